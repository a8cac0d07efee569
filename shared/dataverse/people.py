"""How person records are read: the query of a table, and the row that becomes a `PersonRecord`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from shared.core.mapping.expression import Column, Related, Source
from shared.core.mapping.resolution import Resolved
from shared.core.records import PermissionRow, PersonRecord, PersonTable, RecordKey, StatusRow, SyncStatus
from shared.dataverse import tables
from shared.dataverse.columns import ColumnReader
from shared.dataverse.odata import Expand
from shared.dataverse.operations import Row
from shared.dataverse.tables import Table

_INFO_COLUMNS = ("dh_spotlerinfoid", "statuscode", "dh_reasoncode", "dh_reason")
_PERMISSION_COLUMNS = ("dh_name", "dh_subscribed")


class PersonQuery:
    """What to select and expand for one table, and how to read the answer."""

    def __init__(
        self, table: PersonTable, found: Iterable[Resolved], *, reads_permissions: bool, language: int | None
    ) -> None:
        """`found` are the columns of the record and of related rows; others are read aside."""
        self._table = table
        self._names: Table = tables.PEOPLE[table]
        self._own: list[tuple[Source, ColumnReader]] = []
        self._related: dict[str, list[tuple[Source, ColumnReader]]] = {}
        for one in found:
            reader = ColumnReader(one.column, language)
            match one.source:
                case Column():
                    self._own.append((one.source, reader))
                case Related():
                    self._related.setdefault(one.navigation, []).append((one.source, reader))
                case _:
                    raise ValueError("only columns of the record and of related rows are read with it")
        self._reads_permissions = reads_permissions

    @property
    def select(self) -> tuple[str, ...]:
        """Columns to select."""
        return tuple(dict.fromkeys((self._names.key, *(reader.selected for _, reader in self._own))))

    @property
    def expand(self) -> tuple[Expand, ...]:
        """Related rows to bring along."""
        expands = [
            Expand(navigation, sorted({reader.selected for _, reader in readers}))
            for navigation, readers in self._related.items()
        ]
        expands.append(Expand(tables.INFO_LOOKUP, _INFO_COLUMNS))
        if self._reads_permissions:
            expands.append(Expand(self._names.permissions, _PERMISSION_COLUMNS))
        return tuple(expands)

    def record(self, row: Row, aside: Mapping[str, Any], labels_aside: Mapping[str, str]) -> PersonRecord:
        """Read a row; `aside` are values that were read by other queries."""
        values, labels = dict(aside), dict(labels_aside)
        for source, reader in self._own:
            take(source, reader, row, values, labels)
        for navigation, readers in self._related.items():
            for source, reader in readers:
                take(source, reader, row.get(navigation) or {}, values, labels)
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


def take(source: Source, reader: ColumnReader, row: Row, values: dict[str, Any], labels: dict[str, str]) -> None:
    """Put what a row says under the printed form of its source; a row that is not there says None."""
    name = str(source)
    values[name] = reader.value(row)
    if (label := reader.label(row)) is not None:
        labels[name] = label


def _status(info: Mapping[str, Any] | None) -> StatusRow | None:
    if not info:
        return None
    return StatusRow(
        id=UUID(info["dh_spotlerinfoid"]),
        status=tables.INFO_STATUS.get(info.get("statuscode", 1), SyncStatus.PROCESSING),
        reason_code=info.get("dh_reasoncode") or "",
        reason=info.get("dh_reason") or "",
    )
