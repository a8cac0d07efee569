"""How person records are read: the query of a table, and the row that becomes a `PersonRecord`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.core.fields import related_name
from shared.core.mapping.reading import Reading
from shared.core.records import Lookup, PermissionRow, PersonRecord, PersonTable, RecordKey, StatusRow, SyncStatus
from shared.dataverse import tables
from shared.dataverse.metadata import TableMetadata
from shared.dataverse.odata import Expand
from shared.dataverse.operations import Annotation, Row
from shared.dataverse.tables import Table

ANNOTATIONS = (Annotation.LABEL, Annotation.LOOKUP_TABLE)

_INFO_COLUMNS = ("dh_spotlerinfoid", "statuscode", "dh_reasoncode", "dh_reason")
_PERMISSION_COLUMNS = ("dh_name", "dh_subscribed")


@dataclass(frozen=True, slots=True)
class _Related:
    navigation: str
    columns: tuple[str, ...]
    lookup: str
    target: str


class PersonQuery:
    """What to select and expand for one table, and how to read the answer."""

    def __init__(self, table: PersonTable, reading: Reading, metadata: TableMetadata) -> None:
        """Raise ConfigurationError if the mapping names what the table does not have."""
        self._table = table
        self._names: Table = tables.PEOPLE[table]
        self._selected = {column: metadata.selected(column) for column in sorted(reading.columns)}
        self._lookups = {column for column in self._selected if metadata.is_lookup(column)}
        self._labelled = {column for column in self._selected if metadata.has_label(column)}
        self._related = [
            _Related(metadata.navigation(lookup, target), tuple(sorted(columns)), lookup, target)
            for (lookup, target), columns in sorted(reading.related.items())
        ]
        self._permissions = reading.permissions

    @property
    def select(self) -> tuple[str, ...]:
        """Columns to select."""
        return (self._names.key, *self._selected.values())

    @property
    def expand(self) -> tuple[Expand, ...]:
        """Related rows to bring along."""
        expands: dict[str, set[str]] = {}
        for related in self._related:
            expands.setdefault(related.navigation, set()).update(related.columns)
        result = [Expand(navigation, sorted(columns)) for navigation, columns in expands.items()]
        result.append(Expand(tables.INFO_LOOKUP, _INFO_COLUMNS))
        if self._permissions:
            result.append(Expand(self._names.permissions, _PERMISSION_COLUMNS))
        return tuple(result)

    def record(self, row: Row) -> PersonRecord:
        """Read a row."""
        values: dict[str, Any] = {}
        labels: dict[str, str] = {}
        for column, selected in self._selected.items():
            values[column] = _lookup(row, selected) if column in self._lookups else row.get(selected)
            if column in self._labelled and (label := row.get(f"{selected}@{Annotation.LABEL}")) is not None:
                labels[column] = label
        for related in self._related:
            other = row.get(related.navigation) or {}
            for column in related.columns:
                path = related_name(related.lookup, related.target, column)
                values[path] = other.get(column)
                if not isinstance(other.get(column), str) and (label := other.get(f"{column}@{Annotation.LABEL}")):
                    labels[path] = label
        return PersonRecord(
            key=RecordKey(self._table, UUID(row[self._names.key])),
            values=values,
            labels=labels,
            permissions=tuple(self._permission_rows(row)),
            status=_status(row.get(tables.INFO_LOOKUP)),
        )

    def _permission_rows(self, row: Row) -> Iterator[PermissionRow]:
        for permission in row.get(self._names.permissions) or ():
            yield PermissionRow(permission.get("dh_name") or "", subscribed=bool(permission.get("dh_subscribed")))


def _lookup(row: Row, selected: str) -> Lookup | None:
    identifier = row.get(selected)
    return Lookup(row.get(f"{selected}@{Annotation.LOOKUP_TABLE}", ""), UUID(identifier)) if identifier else None


def _status(info: Mapping[str, Any] | None) -> StatusRow | None:
    if not info:
        return None
    return StatusRow(
        id=UUID(info["dh_spotlerinfoid"]),
        status=tables.INFO_STATUS.get(info.get("statuscode", 1), SyncStatus.PROCESSING),
        reason_code=info.get("dh_reasoncode") or "",
        reason=info.get("dh_reason") or "",
    )
