"""A faithful twin of the writes to Dataverse: changes the people of a `TwinCrm`, version by version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from shared.domain.mapping.language.expression import Column, OptionSource
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL, DO_NOT_EMAIL
from shared.domain.merging.dataverse_changes import FieldReturn, SubscriptionReturn
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyValue
from shared.domain.records.outcomes import FieldProblem, Side
from shared.domain.records.records import PermissionRow, PersonRecord, RecordKey
from shared.errors import ConflictError, ConnectorError, NotFoundError
from shared.ports.writeback import Writeback, WritebackResult
from tests.twins import Twin, TwinCrm

_ROWS = {OptionSource.PERMISSIONS: "permissions", OptionSource.LIST: "lists", OptionSource.PERIODIEK: "periodieken"}


class TwinWritebacks(Twin):
    """Keeps Dataverse's rules: a stale version is a ConflictError, a change makes a new version.

    Values are kept as Spotler has them, without conversion; options of a set as their labels. `refused` makes a record
    fail, `written` are all write-backs that had something to write.
    """

    def __init__(self, crm: TwinCrm) -> None:
        super().__init__(crm.faults)
        self.crm = crm
        self.refused: dict[RecordKey, ConnectorError] = {}
        self.written: list[Writeback] = []

    async def write_back(self, writebacks: Sequence[Writeback]) -> Sequence[WritebackResult]:
        if not any(map(_has_content, writebacks)):
            return [WritebackResult() for _ in writebacks]
        await self._begin("write_back")
        results = [self._write(writeback) for writeback in writebacks]
        await self.faults.pass_by()
        return results

    def _write(self, writeback: Writeback) -> WritebackResult:
        record = self.crm.people.get(writeback.key)
        if record is None:
            return WritebackResult(NotFoundError("the record is gone"))
        if (error := self.refused.get(writeback.key)) is not None:
            return WritebackResult(error)
        self.written.append(writeback)
        columns, problems = _columns(record, writeback.fields)
        if writeback.refuses_bulk is False:
            columns[DO_NOT_BULK_EMAIL] = False
        if writeback.refuses_mail is False:
            columns[DO_NOT_EMAIL] = False
        stale = bool(columns and writeback.etag and writeback.etag != record.etag)
        if columns and not stale:
            self.crm.edit(writeback.key, **columns)
        if writeback.refuses_bulk:
            self.crm.edit(writeback.key, **{DO_NOT_BULK_EMAIL: True})
        missing = [one for one in writeback.subscriptions if not self._subscribe(writeback.key, one)]
        error = ConflictError("somebody changed it in between") if stale or missing else None
        return WritebackResult(error, tuple(problems))

    def _subscribe(self, key: RecordKey, one: SubscriptionReturn) -> bool:
        record = self.crm.people[key]
        rows: list[PermissionRow] = list(getattr(record, _ROWS[one.option_source]))
        identifier = one.row or uuid5(NAMESPACE_OID, f"{key}/{one.name}")
        known = any(row.id == identifier for row in rows)
        if one.row is not None and not known:
            return False
        now = self.crm.text_of_now()
        changed = [
            replace(row, subscribed=one.subscribed, modified_on=now) if row.id == identifier else row for row in rows
        ]
        if not known:
            changed.append(PermissionRow(one.name, one.subscribed, identifier, modified_on=now, created_on=now))
        self.crm.people[key] = _with_rows(record, one.option_source, changed)
        return True


def _has_content(writeback: Writeback) -> bool:
    flags = (writeback.refuses_bulk, writeback.refuses_mail)
    return bool(writeback.fields or writeback.subscriptions) or any(flag is not None for flag in flags)


def permission_row(record: PersonRecord, name: str) -> UUID | None:
    """Return the id of a person's permission row."""
    return next((row.id for row in record.permissions if row.name == name), None)


def _with_rows(record: PersonRecord, option_source: OptionSource, rows: list[PermissionRow]) -> PersonRecord:
    match option_source:
        case OptionSource.PERMISSIONS:
            return replace(record, permissions=tuple(rows))
        case OptionSource.LIST:
            return replace(record, lists=tuple(rows))
        case OptionSource.PERIODIEK:
            return replace(record, periodieken=tuple(rows))


def _columns(record: PersonRecord, fields: Sequence[FieldReturn]) -> tuple[dict[str, Any], list[FieldProblem]]:
    columns: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for one in fields:
        source = one.row.sources.get(record.key.table)
        if isinstance(source, Column):
            columns[source.name] = _stored(one.value, one.definition)
        else:
            problems.append(FieldProblem(one.definition.name, str(source), "a column", side=Side.DATAVERSE))
    return columns, problems


def _stored(value: PropertyValue, definition: PropertyDefinition) -> Any:
    if not isinstance(value, tuple):
        return None if value == "" else value
    entries = [definition.entry_with_bit(option.bit) for option in value if option.enabled]
    return "; ".join(entry.label for entry in entries if entry is not None) or None
