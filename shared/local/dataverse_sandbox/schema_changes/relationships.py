"""Relationships: a lookup and the collection on the other side; customers and other lookups to several tables.

Source: Microsoft's pages "Create and update table relationships using the Web API" and "Use multi-table lookup
columns".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.local.dataverse_sandbox.administration import solutions
from shared.local.dataverse_sandbox.components import dependants
from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType, Definition, Table, ToMany, ToOne
from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.schema_changes import columns
from shared.local.dataverse_sandbox.schema_changes.change import (
    LABELS,
    Body,
    Change,
    check_order,
    kind,
    refuse_others,
    schema_name,
)

_CUSTOMERS = frozenset({"account", "contact"})
_PARTS = frozenset(
    {"SchemaName", "ReferencedEntity", "ReferencedAttribute", "ReferencingEntity", "ReferencingAttribute", "Lookup"}
    | {"CascadeConfiguration", "AssociatedMenuConfiguration", "RelationshipType", "IsValidForAdvancedFind"}
    | {"IsHierarchical", "ReferencedEntityNavigationPropertyName", "ReferencingEntityNavigationPropertyName"}
    | {"IsCustomizable", "RelationshipBehavior", "SecurityTypes", "MetadataId"}
)
_PARTS_OF_LOOKUP = frozenset(
    {"AttributeType", "AttributeTypeName", "SchemaName", "LogicalName", "RequiredLevel", "Targets", "IsAuditEnabled"}
    | {"IsValidForAdvancedFind", "Format", *LABELS}
)
_CASCADES = {
    "Assign": {"NoCascade", "Cascade", "Active", "UserOwned"},
    "Delete": {"RemoveLink", "Restrict", "Cascade"},
    "Merge": {"NoCascade", "Cascade"},
    "Reparent": {"NoCascade", "Cascade", "Active", "UserOwned"},
    "Share": {"NoCascade", "Cascade", "Active", "UserOwned"},
    "Unshare": {"NoCascade", "Cascade", "Active", "UserOwned"},
    "RollupView": {"NoCascade"},
    "Archive": {"NoCascade", "Cascade", "RemoveLink"},
}


def create(change: Change, body: Body) -> str:
    """Create a one-to-many relationship with its lookup, or add a table to an existing lookup; returns its id."""
    check_order(body)
    if kind(body) != "OneToManyRelationshipMetadata":
        raise not_implemented(f"A new relationship of the type '{body.get('@odata.type')}'")
    lookup = body.get("Lookup")
    if not isinstance(lookup, Mapping) or kind(lookup) != "LookupAttributeMetadata":
        raise bad_request("A relationship needs its Lookup of the type LookupAttributeMetadata.", "0x80040203")
    table = change.table(body.get("ReferencingEntity"))
    existing = table.columns.get(str(lookup.get("SchemaName")).lower())
    names = [*existing.targets, body.get("ReferencedEntity")] if existing else [body.get("ReferencedEntity")]
    return _create(change, lookup, [body], is_polymorphic=len(names) > 1)[0][0]


def create_customer(change: Change, arguments: Body) -> dict[str, Any]:
    """CreateCustomerRelationships: a lookup to accounts and contacts."""
    several = arguments.get("OneToManyRelationships") or ()
    if {one.get("ReferencedEntity") for one in several} != _CUSTOMERS:
        raise bad_request("A customer column needs a relationship to account and one to contact.", "0x80040203")
    return create_polymorphic(change, arguments)


def create_polymorphic(change: Change, arguments: Body) -> dict[str, Any]:
    """CreatePolymorphicLookupAttribute: a lookup to several tables."""
    check_order(arguments)
    several, lookup = arguments.get("OneToManyRelationships"), arguments.get("Lookup")
    if not several or not isinstance(lookup, Mapping) or kind(lookup) != "LookupAttributeMetadata":
        raise bad_request("The action needs OneToManyRelationships, and a Lookup with its type.", "0x80040203")
    if len({one.get("ReferencingEntity") for one in several}) != 1:
        raise bad_request("The relationships of a lookup must have the same ReferencingEntity.", "0x80040203")
    identifiers, column = _create(change, lookup, several, is_polymorphic=True)
    return {"RelationshipIds": identifiers, "AttributeId": column}


def update(change: Change, definition: Definition, body: Body) -> None:
    """Change the cascades or the menu of a relationship; WebApiError 501 for another change."""
    check_order(body)
    changed = {name: value for name, value in body.items() if definition.get(name, ...) != value and "@" not in name}
    refuse_others(
        changed, {"CascadeConfiguration", "AssociatedMenuConfiguration", "IsValidForAdvancedFind"}, "a relationship"
    )
    one = change.table(definition["ReferencedEntity"])
    many = one.navigations[definition["ReferencedEntityNavigationPropertyName"]]
    if not isinstance(many, ToMany):
        raise not_implemented(f"A change of the relationship '{definition['SchemaName']}'")
    facts = dict(many.definition) | changed | _cascade(body)
    change.alter(replace(one, navigations={**one.navigations, many.name: replace(many, definition=facts)}))


def delete(change: Change, definition: Definition) -> None:
    """Delete a relationship, with its lookup if it was the last one of it; WebApiError 400 for one of Dataverse."""
    if not definition["IsCustomRelationship"]:
        raise bad_request(f"The relationship '{definition['SchemaName']}' cannot be deleted.", "0x80047009")
    table = change.table(definition["ReferencingEntity"])
    column, target = table.columns[definition["ReferencingAttribute"]], definition["ReferencedEntity"]
    if set(column.targets) == {target}:
        dependants.check_column(change.organization.store, table.name, column.name)
        columns.without(change, table, column)
        return
    forget_target(change, table, column, target)


def forget_target(change: Change, table: Table, column: Column, target: str) -> None:
    """Take a table out of a lookup to several: its values there, and the navigation of both sides."""
    store = change.organization.store
    for row in list(store.rows(table.name).values()):
        value = row.get(column.name)
        if value is not None and value.table == target:
            store.put(table.name, row[table.primary_id], {k: v for k, v in row.items() if k != column.name})
    smaller = replace(column, targets={name: to for name, to in column.targets.items() if name != target})
    navigations = {
        name: one
        for name, one in table.navigations.items()
        if not (isinstance(one, ToOne) and one.column == column.name and one.target == target)
    }
    change.alter(replace(table, columns={**table.columns, column.name: smaller}, navigations=navigations))
    one = change.schema.tables[target]
    rest = {
        name: many
        for name, many in one.navigations.items()
        if not (isinstance(many, ToMany) and (many.target, many.column) == (table.name, column.name))
    }
    change.alter(replace(one, navigations=rest))


def _create(change: Change, lookup: Body, several: Sequence[Body], *, is_polymorphic: bool) -> tuple[list[str], str]:
    refuse_others(lookup, _PARTS_OF_LOOKUP, "a lookup")
    table = change.table(several[0].get("ReferencingEntity"))
    column = _lookup(change, table, lookup)
    identifiers = []
    for body in several:
        refuse_others(body, _PARTS, "a relationship")
        identifiers.append(_connect(change, table.name, column, body, is_polymorphic=is_polymorphic))
        column = change.schema.tables[table.name].columns[column.name]
    return identifiers, fixed_id("column", table.name, column.name)


def _lookup(change: Change, table: Table, lookup: Body) -> Column:
    """Return the lookup, new or existing."""
    name = change.check_name(lookup)
    existing = table.columns.get(name.lower())
    if existing is not None and existing.type is not ColumnType.LOOKUP:
        raise bad_request(
            f"An attribute with the specified name {name.lower()} already exists (DuplicateAttributeSchemaName).",
            "0x80047013",
        )
    if existing is not None:
        return existing
    change.texts(lookup, "DisplayName", is_required=True)
    labels = {part: change.label(lookup, part) for part in ("DisplayName", "Description")}
    level = (lookup.get("RequiredLevel") or {}).get("Value", "None")
    return Column(name.lower(), ColumnType.LOOKUP, required=level, definition={"SchemaName": name, **labels})


def _connect(change: Change, many: str, column: Column, body: Body, *, is_polymorphic: bool) -> str:
    one, table = change.table(body.get("ReferencedEntity")), change.schema.tables[many]
    taken = [navigation.name for each in change.schema.tables.values() for navigation in each.navigations.values()]
    name = schema_name(body)
    if name.lower() in {other.lower() for other in taken}:
        raise bad_request(f"The relationship name '{name}' is not unique within an entity.", "0x80072551")
    if one.name in column.targets:
        raise bad_request(f"The lookup '{column.name}' has a relationship to '{one.name}' already.", "0x80047013")
    if body.get("ReferencedAttribute", one.primary_id) != one.primary_id:
        raise bad_request(f"The ReferencedAttribute must be '{one.primary_id}'.", "0x80040203")
    stem = str(column.definition.get("SchemaName", column.name))
    there = body.get("ReferencingEntityNavigationPropertyName") or (f"{stem}_{one.name}" if is_polymorphic else stem)
    back = body.get("ReferencedEntityNavigationPropertyName") or name
    column = replace(column, targets={**column.targets, one.name: there})
    facts = {"SchemaName": name, "ReferencedEntityNavigationPropertyName": back, **_cascade(body)}
    facts |= {part: body[part] for part in ("AssociatedMenuConfiguration", "IsValidForAdvancedFind") if part in body}
    change.alter(
        replace(
            table,
            columns={**table.columns, column.name: column},
            navigations={**table.navigations, there: ToOne(there, column.name, one.name)},
        )
    )
    one = change.schema.tables[one.name]  # a table may point to itself
    change.alter(replace(one, navigations={**one.navigations, back: ToMany(back, many, column.name, facts)}))
    identifier = fixed_id("relationship", name, one.name)
    solutions.keep_part(change.organization, solutions.RELATIONSHIP, identifier, table, change.solution)
    solutions.keep_part(
        change.organization, solutions.COLUMN, fixed_id("column", many, column.name), table, change.solution
    )
    solutions.drag(change.organization, one.name, change.solution)
    return identifier


def _cascade(body: Body) -> dict[str, Any]:
    """Return the cascades of a body, complete; WebApiError 400 for one that does not exist."""
    given = body.get("CascadeConfiguration") or {}
    for action, behaviour in given.items():
        if action not in _CASCADES or behaviour not in _CASCADES[action]:
            raise bad_request(f"'{behaviour}' is not a cascade of '{action}'.", "0x80048407")
    names = ("Assign", "Delete", "Merge", "Reparent", "Share", "Unshare")
    defaults = {name: "RemoveLink" if name == "Delete" else "NoCascade" for name in names}
    return {"CascadeConfiguration": {**defaults, **given}}
