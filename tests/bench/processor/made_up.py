"""A connector over twins that make people up: only the connector takes time and memory, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.adapters.storage.sqlite import SqliteStateStore
from shared.adapters.storage.table_layout import TableLayout
from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.composition.process import collect_rarely
from shared.domain.planning.rules import Rules
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import (
    ContactWrite,
    MarketingContact,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    Purge,
    SetEntry,
    WriteCode,
    WriteResult,
)
from shared.domain.records.records import PermissionRow, PersonRecord, PersonTable, RecordKey, StatusRow, SyncStatus
from shared.engine.report import info_id
from shared.errors import ConnectorError
from shared.ports.dataverse import PeoplePage, Report
from shared.ports.state import Change, Document, DocumentKey, DocumentPage
from tests.connector_twin import ConnectorTwin
from tests.person_records import person
from tests.twins import TwinCrm, TwinPlatform

_TYPES = {
    "email": PropertyType.EMAIL,
    "gender": PropertyType.GENDER,
    "birthday": PropertyType.BIRTHDATE,
    "postalCode": PropertyType.POSTCODE,
    "mobileNumber": PropertyType.MOBILE_NUMBER,
}
_LAYOUT = TableLayout.of_new_table()
_OK, _THERE = WriteResult(WriteCode.OK), WriteResult(WriteCode.CONTACT_ALREADY_EXISTS)

MAPPING = load_mapping(DEFAULT_MAPPING)
RULES = Rules(MAPPING, Fingerprinter(b"sixteen bytes and more"))


def catalogue() -> PropertyCatalogue:
    """An account that has every property of the default mapping."""
    names = [row.property_name for row in MAPPING.rows if row.property_name != "permissions"]
    definitions = [PropertyDefinition(name, name, _TYPES.get(name, PropertyType.STRING)) for name in names]
    permissions = PropertyDefinition("permissions", "Permissions", PropertyType.SET, (SetEntry(1, "Newsletter"),))
    return PropertyCatalogue((*definitions, permissions))


_PERSON = person(
    MAPPING,
    values={
        "firstname": "Noor",
        "lastname": "Vries",
        "gendercode": 2,
        "birthdate": "1988-04-27",
        "mobilephone": "06-18596225",
        "address1_postalcode": "3511AB",
        "address1_city": "Utrecht",
    },
)


def made_up(key: RecordKey, *, city: str = "Utrecht", is_known: bool = False) -> PersonRecord:
    """A contact that always has the same values; `is_known` if Dataverse has its Spotler Info row."""
    values = {**_PERSON.values, "emailaddress1": f"person{key.id.int}@example.com", "address1_city": city}
    status = StatusRow(info_id(key), SyncStatus.SUCCEEDED) if is_known else None
    return replace(
        _PERSON, key=key, values=values, permissions=(PermissionRow("Newsletter", subscribed=True),), status=status
    )


def key_of(number: int) -> RecordKey:
    """The key of a person."""
    return RecordKey(PersonTable.CONTACT, UUID(int=number + 1))


class MadeUpPeople(TwinCrm):
    """Dataverse with `size` contacts. Reports are counted and forgotten."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.city, self.are_known = size, "Utrecht", False
        self.before_page: Callable[[int], None] = lambda _first: None

    async def read_people(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        self.calls["read_people"] += 1
        return {key: made_up(key, city=self.city, is_known=self.are_known) for key in keys}

    async def people_page(self, table: PersonTable, *, after: str | None, limit: int) -> PeoplePage:
        self.calls["people_page"] += 1
        start = int(after or 0)
        self.before_page(start)
        end = min(start + limit, self.size)
        keys = [key_of(number) for number in range(start, end)] if table is PersonTable.CONTACT else []
        return PeoplePage(keys, str(end) if keys and end < self.size else None)

    async def report(self, reports: Sequence[Report]) -> list[ConnectorError | None]:
        self.calls["report"] += 1
        return [None] * len(reports)


class ForgetfulPlatform(TwinPlatform):
    """Spotler, which remembers who is there and no value. Nobody changes anything there."""

    def __init__(self, size: int) -> None:
        super().__init__(catalogue())
        self.has = bytearray(size)

    async def insert(self, contacts: Sequence[ContactWrite]) -> dict[str, WriteResult]:
        self.calls["insert"] += 1
        results: dict[str, WriteResult] = {}
        for one in contacts:
            number = UUID(one.external_id).int - 1
            results[one.external_id] = _THERE if self.has[number] else _OK
            self.has[number] = True
        return results

    async def upsert(self, contacts: Sequence[ContactWrite], *, purge: Purge) -> dict[str, WriteResult]:
        self.calls["upsert"] += 1
        return dict.fromkeys((one.external_id for one in contacts), _OK)

    async def updated_contacts(self, _start: datetime, _end: datetime) -> AsyncIterator[Sequence[MarketingContact]]:
        self.calls["updates"] += 1
        for nothing in ():
            yield nothing


@dataclass
class CountingStore:
    """The state store in SQLite; counts calls, documents, and the documents of each partition of Azure Tables."""

    store: SqliteStateStore
    calls: Counter[str] = field(default_factory=Counter)
    partitions: Counter[str] = field(default_factory=Counter)

    async def read(self, keys: Sequence[DocumentKey]) -> dict[DocumentKey, Document]:
        self.calls["reads"] += 1
        self.calls["documents read"] += len(keys)
        self.partitions.update(_LAYOUT.partition_key(key) for key in keys)
        return await self.store.read(keys)

    async def write(self, changes: Sequence[Change]) -> list[str | None]:
        self.calls["writes"] += 1
        self.calls["documents written"] += len(changes)
        self.partitions.update(_LAYOUT.partition_key(change.key) for change in changes)
        return await self.store.write(changes)

    async def scan(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> DocumentPage:
        self.calls["scans"] += 1
        return await self.store.scan(partition, prefix=prefix, after=after, limit=limit)


@dataclass
class MadeUpWorld:
    """The connector's use cases, and the twins that they see."""

    connector: ConnectorTwin
    people: MadeUpPeople
    platform: ForgetfulPlatform
    store: CountingStore


@asynccontextmanager
async def made_up_world(folder: Path, size: int) -> AsyncIterator[MadeUpWorld]:
    """Start a worker over made-up people, with the collector of a process; its state is in SQLite."""
    collect_rarely()
    connector = ConnectorTwin(RULES)
    sqlite = SqliteStateStore(folder / "state.db", clock=connector.clock)
    world = MadeUpWorld(connector, MadeUpPeople(size), ForgetfulPlatform(size), CountingStore(sqlite))
    connector.crm, connector.platform, connector.store = world.people, world.platform, world.store  # type: ignore[assignment]  # the real store, counted
    connector.worker = connector.start_worker()
    try:
        yield world
    finally:
        await sqlite.close()
