"""Alternate keys: creating and deleting, and the state of their indexes.

Source: Microsoft's skill for alternate keys. A job of the system builds the index of a new key: it is pending until
then, and fails if rows have the same values. The name of the second parameter of ReactivateEntityKey is inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.local.dataverse_sandbox.administration import solutions
from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.organisation.errors import WebApiError, bad_request
from shared.local.dataverse_sandbox.organisation.organization import Organization, fixed_id
from shared.local.dataverse_sandbox.schema_changes.change import Body, Change, check_order, refuse_others

_MOST_COLUMNS, _MOST_KEYS = 16, 10
_STATUS = "EntityKeyIndexStatus"
_PENDING, _ACTIVE, _FAILED = "Pending", "Active", "Failed"

Key = tuple[str, ...]


def create(change: Change, table: Table, body: Body) -> str:
    """Create an alternate key; returns its id."""
    check_order(body)
    refuse_others(body, {"SchemaName", "DisplayName", "KeyAttributes", "LogicalName"}, "a new key")
    known = [str(one.get("SchemaName")) for one in table.key_definitions.values()]
    name = change.check_name(body, known)
    names = body.get("KeyAttributes")
    if not isinstance(names, list) or not 1 <= len(names) <= _MOST_COLUMNS or len(table.keys) >= _MOST_KEYS:
        raise bad_request("A key needs 1 to 16 KeyAttributes, and a table has at most 10 keys.", "0x80060889")
    key = tuple(change.column(table, one).name for one in names)
    if key in table.keys:
        raise bad_request(f"A key with the columns {', '.join(key)} already exists.", "0x80044363")
    facts = {"SchemaName": name, "DisplayName": change.label(body, "DisplayName")}
    change.alter(_with(table, key, {**facts, _STATUS: _status(change.organization, table, key)}))
    identifier = fixed_id("key", table.name, name.lower())
    solutions.keep_part(change.organization, solutions.KEY, identifier, table, change.solution)
    return identifier


def delete(change: Change, table: Table, key: Key) -> None:
    """Delete an alternate key."""
    definitions = {one: facts for one, facts in table.key_definitions.items() if one != key}
    change.alter(replace(table, keys=tuple(one for one in table.keys if one != key), key_definitions=definitions))


def reactivate(change: Change, arguments: Body) -> None:
    """ReactivateEntityKey: build the index of a key again; WebApiError 404 for a key that does not exist."""
    table = change.table(arguments.get("EntityLogicalName"))
    name = str(arguments.get("EntityKeyLogicalName")).lower()
    for key, facts in table.key_definitions.items():
        if facts["SchemaName"].lower() == name:
            change.alter(_with(table, key, {**facts, _STATUS: _status(change.organization, table, key)}))
            return
    raise WebApiError(404, "0x80060888", f"Could not find a key with name {name} in {table.name}.")


def build_pending(organization: Organization) -> None:
    """Build the indexes of all keys that are pending, unless the organisation still lets them wait."""
    change = Change(organization)
    for table in list(organization.schema.tables.values()):
        for key, facts in table.key_definitions.items():
            if facts[_STATUS] == _PENDING and organization.customising.builds_keys:
                status = _status(organization, table, key)
                change.alter(_with(change.table(table.name), key, {**facts, _STATUS: status}))


def _with(table: Table, key: Key, facts: Mapping[str, Any]) -> Table:
    keys = table.keys if key in table.keys else (*table.keys, key)
    return replace(table, keys=keys, key_definitions={**table.key_definitions, key: facts})


def _status(organization: Organization, table: Table, key: Key) -> str:
    if not organization.customising.builds_keys:
        return _PENDING
    rows = organization.store.rows(table.name).values()
    seen = [values for row in rows if None not in (values := tuple(row.get(one) for one in key))]
    return _ACTIVE if len(seen) == len(set(seen)) else _FAILED
