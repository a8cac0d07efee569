"""A twin of the rows that new subscribers get: finds and creates people of a `TwinCrm`, and entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from shared.domain.features.subscriber_import import NewField
from shared.domain.mapping.language.expression import OptionSource
from shared.domain.records.records import PermissionRow, PersonRecord, PersonTable, RecordKey
from shared.errors import ConnectorError, DataError
from shared.ports.new_subscribers import Created, NewEntry, NewRecord
from tests.twins import Twin, TwinCrm


class TwinNewRecords(Twin):
    """Keeps Dataverse's rules: an id is taken once, an inactive record matches nobody.

    `refused` makes rows fail by their id, `entries` are the rows of other tables.
    """

    def __init__(self, crm: TwinCrm) -> None:
        super().__init__(crm.faults)
        self.crm = crm
        self.refused: dict[UUID, ConnectorError] = {}
        self.entries: dict[UUID, dict[str, Any]] = {}

    async def matching(self, table: PersonTable, wanted: Sequence[Sequence[NewField]]) -> Sequence[Sequence[RecordKey]]:
        await self._begin("matching")
        return [[key for key, record in self.crm.people.items() if _fits(record, table, one)] for one in wanted]

    async def create(self, records: Sequence[NewRecord | NewEntry]) -> Sequence[Created]:
        await self._begin("create")
        created = [self._create(record) for record in records]
        await self.faults.pass_by()
        return created

    def _create(self, record: NewRecord | NewEntry) -> Created:
        identifier = record.id if isinstance(record, NewEntry) else record.key.id
        if (error := self.refused.get(identifier)) is not None:
            return Created(error)
        values = {one.column.name: one.value for one in record.fields}
        if isinstance(record, NewEntry):
            self.entries[identifier] = self.entries.get(identifier, {}) | values
            return Created()
        if record.essential not in values:
            return Created(DataError(f"A new record needs {record.essential}"))
        if record.key in self.crm.people:
            return Created(existed=True)
        permissions = tuple(
            PermissionRow(one.name, subscribed=one.subscribed, id=uuid5(NAMESPACE_OID, f"{record.key}/{one.name}"))
            for one in record.subscriptions
            if one.option_source is OptionSource.PERMISSIONS
        )
        self.crm.people[record.key] = PersonRecord(record.key, {"statecode": 0}, permissions=permissions)
        self.crm.edit(record.key, **values)
        return Created()


def _fits(record: PersonRecord, table: PersonTable, wanted: Sequence[NewField]) -> bool:
    if record.key.table is not table or record.values["statecode"] != 0:
        return False
    return all(_folded(record.values.get(one.column.name)) == _folded(one.value) for one in wanted)


def _folded(value: Any) -> str:
    return str(value or "").strip().casefold()
