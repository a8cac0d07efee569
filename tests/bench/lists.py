"""What marketing lists cost: requests to both sides, and the memory that a synchronisation takes."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import httpx

from shared.adapters.dataverse.records.tables import JOB_STATUS, JOBS
from shared.adapters.storage.sqlite import SqliteStateStore
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey, StatusRow, SyncStatus
from shared.messages.lane_messages import Jobs
from shared.ports.dataverse import PeoplePage
from shared.ports.queue import QueueName
from shared.ports.state import Change, Document, DocumentKey, DocumentPage
from tests.bench.through_the_app import Bench, bench, settled
from tests.connector_twin import ConnectorTwin
from tests.contract.clocks import ManualClock

_PEOPLE_PER_MEMBER = 1.5  # of the sandbox's people two in three are contacts with an address
_EVERYBODY = (
    '<fetch><entity name="contact"><attribute name="contactid" />'
    '<filter><condition attribute="emailaddress1" operator="not-null" /></filter></entity></fetch>'
)


# ------------------------------------------------------------------------------------------------------ through the app


async def lists() -> None:
    """A dynamic list of 1,000 new subscribers: the first sync, and one without a change."""
    await _through_the_app(1_000)


async def lists_50k() -> None:
    """The same with 50,000."""
    await _through_the_app(50_000)


async def _through_the_app(size: int) -> None:
    async with bench(round(size * _PEOPLE_PER_MEMBER)) as running:
        row = {"listname": "Bench", "createdfromcode": 2, "type": True, "query": _EVERYBODY}
        marketing_list = await running.dynamics.create("lists", row)
        for what in ("first sync", "again, nothing changed"):
            before, spotler_before = await running.requests(), await running.spotler.requests()
            begin = time.perf_counter()
            text = await _sync(running, marketing_list)
            seconds = time.perf_counter() - begin
            after, spotler = await running.requests(), await running.spotler.requests()
            calls = {name: count - spotler_before.get(name, 0) for name, count in spotler.items()}
            shown = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()) if count)
            print(
                f"lists    {what}: {text.partition(' in the list')[0]} in {seconds:.1f} s; "
                f"{after[0] - before[0]} requests to Dataverse, {after[1] - before[1]} to Spotler ({shown})"
            )
        async with httpx.AsyncClient(base_url=running.host.url, timeout=60) as http:
            begin = time.perf_counter()
            headers = {"x-functions-key": running.host.keys.default}
            answer = (await http.get(f"/api/lists/{marketing_list}", headers=headers)).json()
            took = time.perf_counter() - begin
            print(f"lists    the question before a sync: {answer['members']} members judged in {took:.1f} s")


async def _sync(running: Bench, marketing_list: str) -> str:
    bind = {"dh_ListId@odata.bind": f"/lists({marketing_list})"}
    job = await running.dynamics.create(JOBS, {"dh_name": "b", "dh_operation": int(Operation.SYNC_LIST), **bind})
    while True:
        await settled()
        row = await running.dynamics.read(f"{JOBS}({job})")
        if JOB_STATUS[row["statuscode"]].is_final:
            return str(row["dh_resulttext"])


# ------------------------------------------------------------------------------------------------------ over the twins


async def list_memory() -> None:
    """Static lists of 1,000 and 50,000 people whom Spotler knows, over twins that make people up."""
    for size in (1_000, 50_000):
        await _over_twins(size)


async def long_list() -> None:
    """The same with 500,000."""
    await _over_twins(500_000)


async def _over_twins(size: int) -> None:
    """Only the connector takes memory here: the sandbox keeps every row, and takes longer to fill than to be asked.

    State is in SQLite, as in local mode.
    """
    with TemporaryDirectory() as folder:
        async with _everybody(Path(folder), size) as twin:
            for what, gone, measures in (
                ("first sync", 0, True),
                ("again, nothing changed", 0, False),
                ("1 % left, 1 % joined", size // 100, False),
            ):
                twin.lists.window = range(gone, size + gone)
                figures = await _run(twin, measures=measures)
                print(f"twins    {size:,}, {what}: {figures}")


async def _run(twin: _LongTwin, *, measures: bool) -> str:
    connector = twin.connector
    connector.marketing_lists.calls.clear()
    for calls in (connector.crm.calls, connector.audiences.calls, twin.store.calls):
        calls.clear()
    twin.sent.clear()
    if measures:
        tracemalloc.start()
    begin = time.perf_counter()
    job = connector.crm.order(Operation.SYNC_LIST, marketing_list=twin.identifier)
    await connector.lanes.send(QueueName.BULK, Jobs(jobs=[job]))
    await connector.quiet(deliveries=20_000)
    seconds = time.perf_counter() - begin
    assert connector.crm.jobs[job].status is JobStatus.COMPLETED, connector.crm.job_reports[job]
    memory = ""
    if measures:
        memory = f"; at most {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MB of memory"
        tracemalloc.stop()
    reads = connector.marketing_lists.calls["members"], connector.crm.calls["read_people"]
    text = connector.crm.job_reports[job].result_text.partition(", as it was")[0]
    return (
        f"{text}; {seconds:.0f} s{memory}; Dataverse: {reads[0]} pages of ids, {reads[1]} reads of people; "
        f"Spotler: {connector.audiences.calls['add']} additions, {connector.audiences.calls['remove']} removals; "
        f"state: {twin.store.calls['read']} reads, {twin.store.calls['scan']} scans, {twin.store.calls['write']} writes"
    )


@dataclass
class _LongTwin:
    connector: ConnectorTwin
    lists: _EndlessList
    store: _StoreOfEverybody
    sent: Counter[str]
    identifier: UUID


@asynccontextmanager
async def _everybody(folder: Path, size: int) -> AsyncIterator[_LongTwin]:
    connector = ConnectorTwin()
    sqlite = SqliteStateStore(folder / "state.db", clock=connector.clock)
    store, sent = _StoreOfEverybody(sqlite, connector.clock), Counter[str]()
    identifier = connector.marketing_lists.add("Everybody", [], table=PersonTable.CONTACT)
    endless = _EndlessList(connector.marketing_lists.calls, size)

    async def read_people(keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        connector.crm.calls["read_people"] += 1
        return {key: _made_up(key) for key in keys}

    async def add(_audience: str, contacts: Sequence[str]) -> frozenset[str]:
        connector.audiences.calls["add"] += bool(contacts)
        sent["added"] += len(contacts)
        return frozenset()

    async def remove(_audience: str, contacts: Sequence[str]) -> None:
        connector.audiences.calls["remove"] += bool(contacts)
        sent["removed"] += len(contacts)

    connector.store = store  # type: ignore[assignment]  # the real one, with everybody in it
    connector.marketing_lists.members = endless.members  # type: ignore[method-assign]
    connector.crm.read_people = read_people  # type: ignore[method-assign]
    connector.audiences.add, connector.audiences.remove = add, remove  # type: ignore[method-assign]
    connector.worker = connector.start_worker()
    try:
        yield _LongTwin(connector, endless, store, sent, identifier)
    finally:
        await sqlite.close()


class _EndlessList:
    """The members whose numbers are in `window`, in order."""

    def __init__(self, calls: Counter[str], size: int) -> None:
        self.calls = calls
        self.window = range(size)

    async def members(self, _list: object, *, after: str | None, limit: int) -> PeoplePage:
        self.calls["members"] += 1
        start = int(after or 0)
        numbers = self.window[start : start + limit]
        keys = [RecordKey(PersonTable.CONTACT, UUID(int=(number + 1) * 0x9E3779B97F4A7C15)) for number in numbers]
        return PeoplePage(keys, str(start + limit) if start + limit < len(self.window) else None)


class _StoreOfEverybody:
    """State of which the bindings are made up, one for whoever is asked for; everything else is in SQLite."""

    def __init__(self, store: SqliteStateStore, clock: ManualClock) -> None:
        self._store = store
        self._at = clock.now().isoformat()
        self.calls: Counter[str] = Counter()

    async def read(self, keys: Sequence[DocumentKey]) -> dict[DocumentKey, Document]:
        self.calls["read"] += 1
        bound = {key: Document(key, self._binding(key), "1") for key in keys if key.partition == "test-binding"}
        return bound | await self._store.read([key for key in keys if key not in bound])

    async def write(self, changes: Sequence[Change]) -> list[str | None]:
        self.calls["write"] += 1
        return await self._store.write(changes)

    async def scan(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> DocumentPage:
        self.calls["scan"] += 1
        return await self._store.scan(partition, prefix=prefix, after=after, limit=limit)

    def _binding(self, key: DocumentKey) -> Mapping[str, object]:
        outcome = {"result": "written", "reason": "updated", "at": self._at, "correlation": ""}
        return {"contact": key.row.partition(":")[2], "live": True, "base": {}, "address": "x", "outcome": outcome}


def _made_up(key: RecordKey) -> PersonRecord:
    values = {"statecode": 0, "emailaddress1": f"p{key.id.hex}@example.com", "firstname": "Noor"}
    return PersonRecord(key, values, status=StatusRow(key.id, SyncStatus.SUCCEEDED))
