"""The bulk messages: CreateMultiple, UpdateMultiple, UpsertMultiple (all or nothing), and BulkDelete.

Source: Microsoft's page "Use bulk operation messages".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError

from shared.local.sandbox.dataverse import conditions, resource_path
from shared.local.sandbox.dataverse.conditions import Circumstances
from shared.local.sandbox.dataverse.errors import bad_request
from shared.local.sandbox.dataverse.invocation import TYPE_PREFIX, Invocation
from shared.local.sandbox.dataverse.privileges import Access
from shared.local.sandbox.dataverse.schema import Table
from shared.local.sandbox.dataverse.store import Row
from shared.local.sandbox.dataverse.writes import Precondition

_CODE = "0x80048d19"


class _Value(BaseModel):
    value: Any = Field(alias="Value")


class _Condition(BaseModel):
    attribute: str = Field(alias="AttributeName")
    operator: str = Field(alias="Operator")
    values: list[_Value] = Field(alias="Values")


class _Criteria(BaseModel):
    conditions: list[_Condition] = Field(alias="Conditions")


class _QueryExpression(BaseModel):
    entity: str = Field(alias="EntityName")
    criteria: _Criteria = Field(alias="Criteria")


class _BulkDelete(BaseModel):
    queries: list[_QueryExpression] = Field(alias="QuerySet")


def create_multiple(call: Invocation) -> dict[str, Any]:
    """Create the targets."""
    return {"Ids": [call.writer.create(table, target) for table, target in _targets(call)]}


def update_multiple(call: Invocation) -> None:
    """Update the targets, each by its primary key."""
    for table, target in _targets(call):
        identifier = target.get(table.primary_id)
        if not isinstance(identifier, str):
            raise bad_request(f"The target lacks its primary key '{table.primary_id}'.")
        call.writer.update(table, identifier.lower(), target)


def upsert_multiple(call: Invocation) -> None:
    """Update or create the targets, each by its primary key or by the alternate key of its `@odata.id`."""
    for table, target in _targets(call):
        reference = target.get("@odata.id") or f"{table.set_name}({target.get(table.primary_id)})"
        key = resource_path.segments(str(reference))[0].key
        if key is None:
            raise bad_request("The target has neither a primary key nor an @odata.id with a key.")
        address = resource_path.address(call.writer.store, table, key)
        call.writer.upsert(address, target, Precondition())


def _targets(call: Invocation) -> list[tuple[Table, Mapping[str, Any]]]:
    table, targets = call.table, call.arguments.get("Targets")
    if table is None or not isinstance(targets, list) or not targets:
        raise bad_request("The parameter 'Targets' must be a list of rows.")
    for target in targets:
        if str(target.get("@odata.type", "")).lstrip("#") != f"{TYPE_PREFIX}{table.name}":
            raise bad_request(f"Each target needs '@odata.type': '{TYPE_PREFIX}{table.name}'.", "0x80048d19")
    return [(table, target) for target in targets]


def bulk_delete(call: Invocation) -> dict[str, Any]:
    """Delete at once what the real service deletes in a system job. All conditions of a query must hold."""
    try:
        request = _BulkDelete.model_validate(call.arguments)
    except ValidationError as error:
        raise bad_request(f"The parameters of BulkDelete are wrong in {error.error_count()} places.", _CODE) from None
    for query in request.queries:
        table = call.organization.schema.tables.get(query.entity)
        if table is None:
            raise bad_request(f"The entity with a name = '{query.entity}' was not found.", "0x80041102")
        call.writer.rights.require(Access.READ, table.name)
        call.writer.rights.require(Access.DELETE, table.name)
        for row in _matching(call, table, query.criteria.conditions):
            call.writer.remove(table, row[table.primary_id])
    return {"JobId": str(uuid4())}


def _matching(call: Invocation, table: Table, wanted: list[_Condition]) -> list[Row]:
    caller = call.writer.caller
    circumstances = Circumstances(call.organization.now(), caller.user, caller.rights)
    tests: list[tuple[str, conditions.Test]] = []
    for condition in wanted:
        column = table.columns.get(condition.attribute)
        if column is None:
            raise bad_request(f"'{table.name}' has no attribute '{condition.attribute}'.", "0x80041103")
        operator = {"Equal": "eq"}.get(condition.operator, condition.operator.lower())
        operands = [one.value for one in condition.values]
        tests.append((column.name, conditions.test(operator, column, operands, circumstances)))
    rows = call.writer.store.rows(table.name).values()
    return [row for row in rows if all(passes(row.get(name)) for name, passes in tests)]
