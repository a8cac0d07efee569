"""The bulk messages: CreateMultiple, UpdateMultiple, UpsertMultiple (all or nothing), and BulkDelete.

Source: Microsoft's page "Use bulk operation messages".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.organisation.errors import (
    bad_request,
    not_implemented,
    unknown_property,
    unknown_table,
)
from shared.local.dataverse_sandbox.organisation.privileges import Access
from shared.local.dataverse_sandbox.queries import conditions
from shared.local.dataverse_sandbox.queries.conditions import QueryContext
from shared.local.dataverse_sandbox.requests import resource_path
from shared.local.dataverse_sandbox.requests.invocation import TYPE_PREFIX, Invocation
from shared.local.dataverse_sandbox.rows.store import Row
from shared.local.dataverse_sandbox.rows.writes import Precondition

_CODE = "0x80048d19"
_OPERATORS = {"Equal": "eq", "NotEqual": "ne", "LessThan": "lt", "LessEqual": "le", "GreaterThan": "gt"}
"""Names of the SDK, and those of FetchXML."""

_NOT_SIMULATED = frozenset({"extra_forbidden", "literal_error", "too_long"})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_types(cls, values: Any) -> Any:
        """Drop `@odata.type`: the type follows from the position of the value."""
        return {name: value for name, value in values.items() if name != "@odata.type"}


class _Value(_Strict):
    value: Any = Field(alias="Value")
    type: Any = Field(None, alias="Type")


class _Condition(_Strict):
    attribute: str = Field(alias="AttributeName")
    operator: str = Field(alias="Operator")
    values: list[_Value] = Field(default_factory=list, alias="Values")


class _Criteria(_Strict):
    conditions: list[_Condition] = Field(alias="Conditions")
    operator: Literal["And"] = Field("And", alias="FilterOperator")
    filters: list[Any] = Field(default_factory=list, max_length=0, alias="Filters")


class _QueryExpression(_Strict):
    entity: str = Field(alias="EntityName")
    criteria: _Criteria = Field(alias="Criteria")
    links: list[Any] = Field(default_factory=list, max_length=0, alias="LinkEntities")
    # These do not change which rows are deleted:
    columns: Any = Field(None, alias="ColumnSet")
    distinct: Any = Field(None, alias="Distinct")
    orders: Any = Field(None, alias="Orders")
    page: Any = Field(None, alias="PageInfo")
    no_lock: Any = Field(None, alias="NoLock")


class _BulkDelete(_Strict):
    """The parameters. The real service creates a job with a name, which sends mail; the sandbox does neither."""

    queries: list[_QueryExpression] = Field(alias="QuerySet")
    recurrence: Literal[""] | None = Field(None, alias="RecurrencePattern")
    name: Any = Field(None, alias="JobName")
    mails: Any = Field(None, alias="SendEmailNotification")
    to: Any = Field(None, alias="ToRecipients")
    copies: Any = Field(None, alias="CCRecipients")
    start: Any = Field(None, alias="StartDateTime")
    source: Any = Field(None, alias="SourceImportId")
    now: Any = Field(None, alias="RunNow")


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
        if not isinstance(target, Mapping):
            raise bad_request("The parameter 'Targets' must be a list of rows.")
        if str(target.get("@odata.type", "")).lstrip("#") != f"{TYPE_PREFIX}{table.name}":
            raise bad_request(f"Each target needs '@odata.type': '{TYPE_PREFIX}{table.name}'.", "0x80048d19")
    return [(table, target) for target in targets]


def bulk_delete(call: Invocation) -> dict[str, Any]:
    """Delete at once; the real service deletes in a system job. All conditions of a query must hold."""
    try:
        request = _BulkDelete.model_validate(call.arguments.take_all())
    except ValidationError as error:
        for wrong in error.errors():
            if wrong["type"] in _NOT_SIMULATED:
                raise not_implemented(f"The parameter '{'.'.join(map(str, wrong['loc']))}' of BulkDelete") from None
        raise bad_request(f"The parameters of BulkDelete are wrong in {error.error_count()} places.", _CODE) from None
    for query in request.queries:
        table = call.organization.schema.tables.get(query.entity)
        if table is None:
            absent = query.entity in call.organization.schema.removed
            raise unknown_table(
                query.entity, f"The entity with a name = '{query.entity}' was not found.", is_absent=absent
            )
        call.writer.rights.require(Access.READ, table.name)
        call.writer.rights.require(Access.DELETE, table.name)
        for row in _matching(call, table, query.criteria.conditions):
            call.writer.remove(table, row[table.primary_id])
    return {"JobId": str(uuid4())}


def _matching(call: Invocation, table: Table, wanted: list[_Condition]) -> list[Row]:
    caller = call.writer.caller
    context = QueryContext(call.organization.now(), caller.user, caller.rights, call.organization.zone)
    tests: list[tuple[str, conditions.Test]] = []
    for condition in wanted:
        column = table.columns.get(condition.attribute)
        if column is None:
            message = f"'{table.name}' has no attribute '{condition.attribute}'."
            raise unknown_property(condition.attribute, table, code="0x80041103", message=message)
        operator = _OPERATORS.get(condition.operator, condition.operator.lower())
        operands = [one.value for one in condition.values]
        tests.append((column.name, conditions.test(operator, column, operands, context)))
    rows = call.writer.store.rows(table.name).values()
    return [row for row in rows if all(passes(row.get(name)) for name, passes in tests)]
