"""Tables: creating, changing and deleting.

Source: Microsoft's page "Create and update table definitions using the Web API".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.local.dataverse_sandbox.administration import roles, solutions
from shared.local.dataverse_sandbox.components import publishing, standard_components
from shared.local.dataverse_sandbox.metadata.descriptions import to_ones
from shared.local.dataverse_sandbox.metadata.packaged import standard
from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType, Definition, Table, ToMany, ToOne
from shared.local.dataverse_sandbox.metadata.type_codes import next_type_code
from shared.local.dataverse_sandbox.organisation import registration
from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.schema_changes import columns, relationships
from shared.local.dataverse_sandbox.schema_changes.change import LABELS, Body, Change, check_order, kind, refuse_others

_MODEL = "environmentvariabledefinition"
_OF_EVERY_TABLE = (
    "createdby", "createdon", "createdonbehalfby", "importsequencenumber", "modifiedby", "modifiedon",
    "modifiedonbehalfby", "overriddencreatedon", "statecode", "statuscode", "timezoneruleversionnumber",
    "utcconversiontimezonecode", "versionnumber",
)  # fmt: skip
_OF_OWNED_TABLES = ("ownerid", "owningbusinessunit", "owningteam", "owninguser")
_CHANGEABLE = frozenset(
    {"HasNotes", "HasFeedback", "ChangeTrackingEnabled", "IsAuditEnabled", "IsQuickCreateEnabled", "IconVectorName"}
    | {"IsCustomizable", "EntityColor", "IsValidForAdvancedFind", "IsMailMergeEnabled", "IsDuplicateDetectionEnabled"}
    | {"IsKnowledgeManagementEnabled", "IsConnectionsEnabled", "IsDocumentManagementEnabled", "AutoRouteToOwnerQueue"}
)
_PARTS = _CHANGEABLE | {
    "SchemaName",
    "OwnershipType",
    "IsActivity",
    "HasActivities",
    "Attributes",
    "LogicalName",
    *LABELS,
}
_COLLECTIONS = frozenset(
    {"Attributes", "Keys", "Privileges", "OneToManyRelationships", "ManyToOneRelationships", "ManyToManyRelationships"}
)
_PARTS_OF_TABLE = {"systemform": "objecttypecode", "savedquery": "returnedtypecode", "entity": "logicalname"}


def create(change: Change, body: Body) -> Table:
    """Create a table with its columns; WebApiError 400 without a primary name, or if the name is taken."""
    check_order(body)
    if kind(body) != "EntityMetadata":
        raise bad_request("A table needs the '@odata.type' Microsoft.Dynamics.CRM.EntityMetadata.", "0x80048d19")
    refuse_others(body, _PARTS, "a new table")
    name = change.check_name(body, change.schema.tables)
    for label in ("DisplayName", "DisplayCollectionName"):
        change.texts(body, label, is_required=True)
    if body.get("IsActivity") or body.get("HasActivities"):
        raise not_implemented("A new table that is an activity or has activities")
    owned = body.get("OwnershipType", "UserOwned")
    if owned not in {"UserOwned", "OrganizationOwned"}:
        raise bad_request(f"The OwnershipType '{owned}' does not exist for new tables.", "0x80040203")
    logical = name.lower()
    own = _own_columns(change, body)
    primary = next(column.name for column in own.values() if column.definition.get("IsPrimaryName"))
    identifier = Column(f"{logical}id", ColumnType.UNIQUEIDENTIFIER, definition={"SchemaName": f"{name}Id"})
    model = standard().tables[_MODEL].columns
    given = (*_OF_EVERY_TABLE, *(_OF_OWNED_TABLES if owned == "UserOwned" else ()))
    all_columns = {identifier.name: identifier, **own, **{one: model[one] for one in given}}
    if owned != "UserOwned":
        all_columns["organizationid"] = Column(
            "organizationid", ColumnType.LOOKUP, readonly=True, targets={"organization": "organizationid"}
        )
    facts = {part: body[part] for part in _CHANGEABLE if part in body and part != "HasNotes"}
    labels = {part: change.label(body, part) for part in LABELS if part in body}
    table = Table(
        name=logical,
        set_name=_plural(logical),
        primary_id=identifier.name,
        primary_name=primary,
        columns=all_columns,
        navigations=to_ones(all_columns.values()),
        definition={"SchemaName": name, "ObjectTypeCode": next_type_code(change.schema), **facts, **labels},
    )
    change.alter(table)
    registration.add_filters(change.organization, table.name)
    roles.add_table(change.organization, table)
    solutions.keep(change.organization, solutions.TABLE, fixed_id("table", table.name), change.solution)
    standard_components.add_entity(change.organization, table)
    standard_components.add_for_table(change.organization, table)
    if body.get("HasNotes"):
        _add_notes(change, table)
    return change.schema.tables[logical]


def create_several(change: Change, arguments: Body) -> dict[str, Any]:
    """CreateEntities, with which Microsoft's client creates tables. The form of the answer is inferred."""
    bodies = arguments.get("Entities")
    if not isinstance(bodies, list) or not bodies:
        raise bad_request("The action needs its Entities.", "0x80048d19")
    return {"EntityIds": [fixed_id("table", create(change, one).name) for one in bodies]}


def update(change: Change, table: Table, body: Body, current: Definition) -> None:
    """Put the properties of a body in the place of those of a table.

    WebApiError 400 for collections in the body, 501 for a property that is not simulated and differs.
    """
    check_order(body)
    if sent := sorted(_COLLECTIONS & set(body)):
        raise bad_request(f"The property '{sent[0]}' of a table cannot be changed with the table.", "0x80048d19")
    others = {name: value for name, value in body.items() if current.get(name, ...) != value}
    refuse_others(others, _CHANGEABLE | set(LABELS), f"the table '{table.name}'")
    if current["HasNotes"] and not body.get("HasNotes", True):
        raise bad_request("HasNotes cannot be switched off.", "0x80040203")
    facts = {part: body[part] for part in others if part in _CHANGEABLE and part != "HasNotes"}
    labels = {part: change.label(body, part, current) for part in LABELS if part in body}
    definition = {"SchemaName": current["SchemaName"], **table.definition, **facts, **labels}
    change.alter(replace(table, definition=definition))
    if body.get("HasNotes") and not current["HasNotes"]:
        _add_notes(change, change.schema.tables[table.name])


def delete(change: Change, table: Table, current: Definition) -> None:
    """Delete a table with its rows and relationships; WebApiError 400 for a table of Dataverse, or with dependants."""
    if not current["IsCustomEntity"]:
        raise bad_request(f"The table '{table.name}' cannot be deleted.", "0x80047009")
    _release(change, table)
    _leave(change, table)
    store = change.organization.store
    for identifier in list(store.rows(table.name)):
        store.remove(table.name, identifier)
    for identifier, row in list(store.rows("sdkmessagefilter").items()):
        if row.get("primaryobjecttypecode") == table.name:
            store.remove("sdkmessagefilter", identifier)
    for part, column in (
        *publishing.OF_TABLE.items(),
        ("entity", "logicalname"),
    ):
        for identifier, row in list(store.rows(part).items()):
            if row.get(column) == table.name:
                store.remove(part, identifier)
    roles.remove_table(change.organization, table)
    solutions.forget(change.organization, fixed_id("table", table.name))
    store.alter(change.schema.without_table(table.name))


def _release(change: Change, table: Table) -> None:
    """Take a table out of the lookups of others; WebApiError 400 for a lookup that points to this table only."""
    for other in (one for one in change.schema.tables.values() if one.name != table.name):
        for column in other.columns.values():
            if set(column.targets) == {table.name}:
                raise bad_request(
                    f"The {table.name} component cannot be deleted: the lookup '{column.name}' of '{other.name}' "
                    "depends on it.",
                    "0x8004f01f",
                )
            if table.name in column.targets:
                relationships.forget_target(change, change.schema.tables[other.name], column, table.name)


def _leave(change: Change, table: Table) -> None:
    """Remove the navigation properties of others that lead to the rows of a table."""
    for one in list(change.schema.tables.values()):
        leads = {name: many.target for name, many in one.navigations.items() if isinstance(many, ToMany)}
        rest = {name: many for name, many in one.navigations.items() if leads.get(name) != table.name}
        if len(rest) < len(one.navigations):
            change.alter(replace(one, navigations=rest))


def _own_columns(change: Change, body: Body) -> Mapping[str, Column]:
    bodies: Any = body.get("Attributes") or ()
    own: dict[str, Column] = {}
    for one in bodies:
        if kind(one) == "LookupAttributeMetadata":
            raise bad_request("A lookup is created with its relationship, not with its table.", "0x80040203")
        column = columns.read(change, own, one)
        own[column.name] = column
    names = [column for column in own.values() if column.definition.get("IsPrimaryName")]
    if len(names) != 1 or names[0].type is not ColumnType.STRING:
        raise bad_request("A new table needs one text column with IsPrimaryName among its Attributes.", "0x80040203")
    return own


def _add_notes(change: Change, table: Table) -> None:
    """Let notes point to the rows of a table."""
    note = change.schema.tables["annotation"]
    there, back = f"objectid_{table.name}", f"{table.name}_Annotations"
    column = note.columns["objectid"]
    column = replace(column, targets={**column.targets, table.name: there})
    change.alter(
        replace(
            note,
            columns={**note.columns, column.name: column},
            navigations={**note.navigations, there: ToOne(there, column.name, table.name)},
        ),
        replace(table, navigations={**table.navigations, back: ToMany(back, "annotation", column.name)}),
    )


def _plural(name: str) -> str:
    """Return the set name that Dataverse makes of a logical name."""
    if name.endswith(("s", "x", "z", "ch", "sh")):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") and name[-2] not in "aeiou" else f"{name}s"
