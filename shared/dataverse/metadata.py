"""What Dataverse's metadata says about the person tables: kinds of columns, and where lookups lead.

Read once in a while: a mapping names columns, but a lookup is selected and expanded under other names than its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.core.records import PersonTable
from shared.dataverse import odata
from shared.dataverse.client import DataverseClient
from shared.dataverse.operations import Method, Operation, Row
from shared.errors import ConfigurationError, Service

_LOOKUPS = {"Lookup", "Customer", "Owner"}
_LABELLED = _LOOKUPS | {"Picklist", "State", "Status", "Boolean", "MultiSelectPicklist", "Virtual"}
_OWNER = "ownerid"
_OWNER_NAVIGATION = {"systemuser": "owninguser", "team": "owningteam"}
"""`ownerid` leads to a union of tables; the row behind it is reached by these."""


@dataclass(frozen=True, slots=True)
class TableMetadata:
    """One table: `kinds` maps a column to its AttributeType, `navigations` a lookup and its target to the property."""

    table: str
    kinds: Mapping[str, str]
    navigations: Mapping[tuple[str, str], str]

    def selected(self, column: str) -> str:
        """Return the name under which a column is selected: lookups as `_x_value`."""
        return f"_{column}_value" if self.is_lookup(column) else column

    def is_lookup(self, column: str) -> bool:
        """Whether a column points to a row."""
        return self._kind(column) in _LOOKUPS

    def has_label(self, column: str) -> bool:
        """Whether the formatted value of a column says more than the value."""
        return self._kind(column) in _LABELLED

    def navigation(self, lookup: str, target: str) -> str:
        """Return the navigation property from a lookup to a table; without a table, to its only one."""
        if lookup == _OWNER and target in _OWNER_NAVIGATION:
            return _OWNER_NAVIGATION[target]
        found = {
            table: navigation
            for (column, table), navigation in self.navigations.items()
            if column == lookup and target in ("", table)
        }
        if len(found) == 1:
            return next(iter(found.values()))
        if not found:
            raise _misconfigured(f"{self.table}.{lookup} does not lead to table {target or '(any)'}")
        raise _misconfigured(f"{self.table}.{lookup} leads to several tables; write {lookup}({min(found)}).column")

    def _kind(self, column: str) -> str:
        try:
            return self.kinds[column]
        except KeyError:
            raise _misconfigured(f"Column {column} does not exist on {self.table}") from None


async def read_metadata(client: DataverseClient, wanted: Sequence[PersonTable]) -> dict[PersonTable, TableMetadata]:
    """Read the metadata of tables in one request."""
    requests = [
        _read(table, part, columns)
        for table in wanted
        for part, columns in (
            ("Attributes", "LogicalName,AttributeType"),
            ("ManyToOneRelationships", "ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"),
        )
    ]
    answers: list[list[Row]] = []
    for result in await client.batch(requests):
        if result.error is not None:
            raise result.error
        answers.append(result.body["value"])
    return {table: _metadata(table, answers[2 * index], answers[2 * index + 1]) for index, table in enumerate(wanted)}


def _read(table: PersonTable, part: str, columns: str) -> Operation:
    path = f"EntityDefinitions(LogicalName={odata.literal(str(table))})/{part}"
    return Operation(Method.GET, odata.reads(path, {"$select": columns}))


def _metadata(table: PersonTable, attributes: Sequence[Row], relationships: Sequence[Row]) -> TableMetadata:
    return TableMetadata(
        table=table,
        kinds={row["LogicalName"]: row["AttributeType"] for row in attributes},
        navigations={
            (row["ReferencingAttribute"], row["ReferencedEntity"]): row["ReferencingEntityNavigationPropertyName"]
            for row in relationships
        },
    )


def _misconfigured(text: str) -> ConfigurationError:
    return ConfigurationError(f"{text}: correct the mapping", service=Service.DATAVERSE)
