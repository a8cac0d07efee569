"""The query of a person table, and the conversion of its rows to `PersonRecord`s."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.records.columns import ColumnReader
from shared.adapters.dataverse.records.secondary_reads import SecondaryReads
from shared.adapters.dataverse.records.subscriptions import ListRows
from shared.adapters.dataverse.records.tables import TableNames
from shared.adapters.dataverse.web_api.odata import Expand
from shared.adapters.dataverse.web_api.operations import Row
from shared.domain.mapping.check.resolution import Resolved
from shared.domain.mapping.language.expression import Column, OptionSource, Related, Source
from shared.domain.records.records import PermissionRow, PersonRecord, PersonTable, RecordKey, StatusRow, SyncStatus
from shared.domain.wording.phrase import Phrase

_PERMISSION_COLUMNS = ("dh_spotlerpermissionid", "dh_name", "dh_subscribed", "modifiedon", "createdon", "statecode")
_TIMES = ("modifiedon", "createdon")
INFO_COLUMNS = ("dh_spotlerinfoid", "statuscode", "dh_reasoncode", "dh_reason")


class PersonQuery:
    """The columns to select and expand for one table, and the conversion of a row of the answer."""

    def __init__(
        self,
        table: PersonTable,
        found: Iterable[Resolved],
        *,
        option_sources: Collection[OptionSource],
        language: int | None,
        zone: tzinfo,
        unread: Mapping[str, Phrase] | None = None,
    ) -> None:
        """`found` are the columns of the record and of related rows; others are secondary reads.

        `unread` are the sources that are left out (`PersonRecord.unread`).
        """
        self._unread = unread or {}
        self._table = table
        self._names: TableNames = tables.PEOPLE[table]
        self._own: list[tuple[Source, ColumnReader]] = []
        self._related: dict[str, list[tuple[Source, ColumnReader]]] = {}
        for one in found:
            reader = ColumnReader(one.column, language, zone)
            match one.source:
                case Column():
                    self._own.append((one.source, reader))
                case Related():
                    self._related.setdefault(one.navigation, []).append((one.source, reader))
                case _:
                    raise ValueError("only columns of the record and of related rows are read by its query")
        self._reads_permissions = OptionSource.PERMISSIONS in option_sources
        self._lists = ListRows(table) if OptionSource.LIST in option_sources else None

    @property
    def select(self) -> tuple[str, ...]:
        """The columns to select."""
        return tuple(dict.fromkeys((self._names.key, *_TIMES, *(reader.selected for _, reader in self._own))))

    @property
    def expand(self) -> tuple[Expand, ...]:
        """The related rows to read with the record."""
        columns = {tables.INFO_LOOKUP: set(INFO_COLUMNS)}
        for navigation, readers in self._related.items():
            columns.setdefault(navigation, set()).update(reader.selected for _, reader in readers)
        expands = [Expand(navigation, sorted(names)) for navigation, names in columns.items()]
        if self._reads_permissions:
            expands.append(Expand(self._names.permissions, _PERMISSION_COLUMNS))
        if self._lists:
            expands.append(self._lists.expand)
        return tuple(expands)

    def record(self, row: Row, secondary: SecondaryReads) -> PersonRecord:
        """Convert a row; `secondary` are the answers of the secondary reads."""
        identifier = UUID(row[self._names.key])
        values, labels = dict(secondary.values.get(identifier, {})), dict(secondary.labels.get(identifier, {}))
        for source, reader in self._own:
            reader.take(source, row, values, labels)
        for navigation, readers in self._related.items():
            for source, reader in readers:
                reader.take(source, row.get(navigation) or {}, values, labels)
        return PersonRecord(
            key=RecordKey(self._table, identifier),
            values=values,
            labels=labels,
            permissions=tuple(self._permission_rows(row)),
            status=status_of(row.get(tables.INFO_LOOKUP)),
            lists=self._lists.of(row, secondary.list_names) if self._lists else (),
            periodieken=secondary.periodieken.get(identifier, ()),
            etag=row.get("@odata.etag", ""),
            modified_on=_moment(row.get("modifiedon")),
            created_on=_moment(row.get("createdon")),
            unread={**self._unread, **secondary.unread.get(identifier, {})},
        )

    def _permission_rows(self, row: Row) -> Iterator[PermissionRow]:
        """Read the rows. A deactivated row counts as no, unless an active row has the same name."""
        permissions = row.get(self._names.permissions) or ()
        active = {_folded_name(one) for one in permissions if _is_active(one)}
        for permission in permissions:
            if not _is_active(permission) and _folded_name(permission) in active:
                continue
            yield PermissionRow(
                permission.get("dh_name") or "",
                subscribed=bool(permission.get("dh_subscribed")) and _is_active(permission),
                id=UUID(permission["dh_spotlerpermissionid"]),
                modified_on=permission.get("modifiedon") or "",
                created_on=permission.get("createdon") or "",
            )


def _is_active(permission: Row) -> bool:
    return int(permission.get("statecode") or 0) == 0


def _folded_name(permission: Row) -> str:
    return str(permission.get("dh_name") or "").strip().casefold()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def status_of(info: Mapping[str, Any] | None) -> StatusRow | None:
    """Read the Spotler Info that was expanded with a record; None if the record has none."""
    if not info:
        return None
    return StatusRow(
        id=UUID(info["dh_spotlerinfoid"]),
        status=tables.INFO_STATUS.get(info.get("statuscode", 1), SyncStatus.PROCESSING),
        reason_code=info.get("dh_reasoncode") or "",
        reason=info.get("dh_reason") or "",
    )
