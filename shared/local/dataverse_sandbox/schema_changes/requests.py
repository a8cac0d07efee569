"""Requests that change metadata: `POST`, `PUT` and `DELETE` of definitions, and the actions that change options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.local.dataverse_sandbox.http.exchange import ApiRequest, ApiResponse, answer, empty
from shared.local.dataverse_sandbox.metadata.column_definitions import id_of_choice
from shared.local.dataverse_sandbox.metadata.definitions import Definitions
from shared.local.dataverse_sandbox.metadata.metadata import find
from shared.local.dataverse_sandbox.metadata.schema import Definition, Schema
from shared.local.dataverse_sandbox.organisation.caller import Caller
from shared.local.dataverse_sandbox.organisation.errors import bad_request, method_not_allowed, not_implemented
from shared.local.dataverse_sandbox.organisation.organization import Organization, fixed_id
from shared.local.dataverse_sandbox.organisation.privileges import Access
from shared.local.dataverse_sandbox.requests.resource_path import Path
from shared.local.dataverse_sandbox.schema_changes import columns, keys, options, relationships, tables
from shared.local.dataverse_sandbox.schema_changes.change import TYPE_PREFIX, Body, Change

Current = Callable[[Schema], Definitions]

_ACTIONS: Mapping[str, Callable[[Change, Body], dict[str, Any] | None]] = {
    "CreateCustomerRelationships": relationships.create_customer,
    "CreatePolymorphicLookupAttribute": relationships.create_polymorphic,
    "CreateEntities": tables.create_several,
    "InsertOptionValue": options.insert,
    "UpdateOptionValue": options.update,
    "OrderOption": options.order,
    "DeleteOptionValue": options.delete,
    "InsertStatusValue": options.insert_status,
    "UpdateStateValue": options.update_state,
    "ReactivateEntityKey": keys.reactivate,
}
_PARAMETERS = frozenset(
    {"OneToManyRelationships", "Lookup", "SolutionUniqueName", "AttributeLogicalName", "EntityLogicalName"}
    | {"OptionSetName", "Value", "Label", "Description", "Color", "MergeLabels", "Values", "StateCode"}
    | {"DefaultStatusCode", "ParentValues", "Entities", "EntityKeyLogicalName"}
)


_ACCESSES = {"POST": Access.CREATE, "PUT": Access.WRITE, "DELETE": Access.DELETE}
_OF_OPTIONS = (Access.WRITE, "attribute")
_PRIVILEGES = {
    "CreateCustomerRelationships": (Access.CREATE, "relationship"),
    "CreatePolymorphicLookupAttribute": (Access.CREATE, "relationship"),
    "CreateEntities": (Access.CREATE, "entity"),
    "ReactivateEntityKey": (Access.WRITE, "entitykey"),
}
"""The privileges that actions need; options of a column need that to write it. All are inferred."""


def is_action(name: str) -> bool:
    """Whether an unbound action changes metadata."""
    return name in _ACTIONS


def act(organization: Organization, request: ApiRequest, name: str, caller: Caller) -> ApiResponse:
    """Call an action; WebApiError 403 without the privilege for it, 501 for an unknown parameter."""
    if request.method != "POST":
        raise method_not_allowed(request.method)
    caller.rights.require(*_PRIVILEGES.get(name, _OF_OPTIONS))
    arguments = request.json.take_all()
    for parameter in arguments:
        if parameter not in _PARAMETERS:
            raise not_implemented(f"The parameter '{parameter}' of '{name}'")
    organization.customising.admit_metadata()
    change, before = _change(organization, request), organization.schema
    result = _ACTIONS[name](change, arguments)
    organization.customising.changed(before, has_new_table=organization.schema.tables.keys() > before.tables.keys())
    if result is None:
        return empty()
    return answer({"@odata.context": f"{caller.base_url}/$metadata#{TYPE_PREFIX}{name}Response", **result})


def change_definition(
    organization: Organization, definitions: Current, request: ApiRequest, path: Path, caller: Caller
) -> ApiResponse:
    """Change what a path to metadata addresses; WebApiError 403, 405 or 501 for what cannot be changed."""
    before = organization.schema
    if request.method in _ACCESSES:
        caller.rights.require(_ACCESSES[request.method], _definition(path))
    organization.customising.admit_metadata()
    response = _changed(organization, definitions, request, path, caller.base_url)
    organization.customising.changed(before, has_new_table=organization.schema.tables.keys() > before.tables.keys())
    return response


def _definition(path: Path) -> str:
    """Return the kind of definition that a path addresses, as privileges name it."""
    names = {segment.name for segment in path.segments}
    if "Attributes" in names:
        return "attribute"
    if "Keys" in names:
        return "entitykey"
    if "RelationshipDefinitions" in names:
        return "relationship"
    return "optionset" if "GlobalOptionSetDefinitions" in names else "entity"


def _changed(
    organization: Organization, definitions: Current, request: ApiRequest, path: Path, base_url: str
) -> ApiResponse:
    change = _change(organization, request)
    names = [segment.name for segment in path.segments]
    if request.method == "POST":
        address = _created(change, definitions(organization.schema), request.json.take_all(), path)
        return empty({"OData-EntityId": f"{base_url}/{address}"})
    found = find(definitions(organization.schema), path)
    if not isinstance(found, dict):
        raise bad_request("A change of metadata needs the key of a definition.")
    if request.headers.get("if-match", "*") != "*":
        raise not_implemented("The version of a definition in the header 'if-match'")
    if request.method == "DELETE":
        _delete(change, names, found)
        return empty()
    if request.method != "PUT":  # Dataverse knows no PATCH of definitions
        raise method_not_allowed(request.method)
    _update(change, names, found, request.json.take_all())
    return empty()


def _created(change: Change, definitions: Definitions, body: Body, path: Path) -> str:
    """Create what a body describes; returns its address."""
    first, names = path.segments[0], [segment.name for segment in path.segments]
    match names:
        case ["EntityDefinitions"]:
            path.take()
            return f"EntityDefinitions({fixed_id('table', tables.create(change, body).name)})"
        case ["RelationshipDefinitions"]:
            path.take()
            return f"RelationshipDefinitions({relationships.create(change, body)})"
        case ["GlobalOptionSetDefinitions"]:
            path.take()
            return f"GlobalOptionSetDefinitions({id_of_choice(options.create_choice(change, body))})"
        case ["EntityDefinitions", "Attributes" | "Keys" as part] if first.key is not None:
            owner = find(definitions, Path([path.take_with_key()]))
            path.take()
            table = change.table(owner["LogicalName"])
            if part == "Keys":
                identifier = keys.create(change, table, body)
            else:
                identifier = fixed_id("column", table.name, columns.create(change, table, body).name)
            return f"EntityDefinitions({owner['MetadataId']})/{part}({identifier})"
        case _:
            raise not_implemented(f"POST to '{'/'.join(names)}'")


def _update(change: Change, names: list[str], found: Definition, body: Body) -> None:
    match [name for name in names if not name.startswith(TYPE_PREFIX)]:
        case ["EntityDefinitions"]:
            tables.update(change, change.table(found["LogicalName"]), body, found)
        case ["EntityDefinitions", "Attributes"]:
            table = change.table(found["EntityLogicalName"])
            columns.update(change, table, change.column(table, found["LogicalName"]), body, found)
        case ["RelationshipDefinitions"]:
            relationships.update(change, found, body)
        case ["GlobalOptionSetDefinitions"]:
            options.update_choice(change, options.choice_named(change, found["Name"]), body)
        case _:
            raise not_implemented(f"PUT of '{'/'.join(names)}'")


def _delete(change: Change, names: list[str], found: Definition) -> None:
    match [name for name in names if not name.startswith(TYPE_PREFIX)]:
        case ["EntityDefinitions"]:
            tables.delete(change, change.table(found["LogicalName"]), found)
        case ["EntityDefinitions", "Attributes"]:
            table = change.table(found["EntityLogicalName"])
            columns.delete(change, table, change.column(table, found["LogicalName"]))
        case ["EntityDefinitions", "Keys"]:
            keys.delete(change, change.table(found["EntityLogicalName"]), tuple(found["KeyAttributes"]))
        case ["RelationshipDefinitions"]:
            relationships.delete(change, found)
        case ["GlobalOptionSetDefinitions"]:
            options.delete_choice(change, options.choice_named(change, found["Name"]))
        case _:
            raise not_implemented(f"DELETE of '{'/'.join(names)}'")


def _change(organization: Organization, request: ApiRequest) -> Change:
    merges = request.headers.get("mscrm.mergelabels", "").strip().lower() == "true"
    solution = request.headers.get("mscrm.solutionuniquename", "") or _argument(request, "SolutionUniqueName")
    return Change(organization, merges, solution)


def _argument(request: ApiRequest, name: str) -> str:
    return request.query.get(name, "") or str(request.json.as_written.get(name) or "")
