"""What a mailing costs: calls, rows, time and memory; beside the naive way, a call for each recipient."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import httpx

from shared.adapters.storage.sqlite import SqliteStateStore
from shared.composition import app
from shared.domain.engagement.events import BounceType, EventKind, event
from shared.domain.engagement.mailings import Mailing, MailingContent, MailingOrigin
from shared.domain.engagement.statistics import MailingCounts
from shared.domain.engagement.weights import Preset, weights_of
from shared.domain.planning.plan_input import BaseState
from shared.domain.records.marketing_contact import Bounce
from shared.domain.records.records import PersonTable, RecordKey
from shared.engagement.choices import PassDepth
from shared.engagement.keeping.event_keeping import EventKeeper, Kept
from shared.engagement.keeping.memories import Memories
from shared.engagement.keeping.refused_rows import RefusedRows
from shared.engagement.mailings.known_mailings import KnownMailings
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.mailings.mailing_pass import MailingPass
from shared.engagement.mailings.stored_tallies import StoredTallies
from shared.engagement.policy import EngagementPolicy, Scoring
from shared.engagement.reading.bounce_reading import BounceReading
from shared.engagement.reading.feed_cursor import FeedCursor, FeedLease
from shared.engagement.reading.feed_reading import FeedReading
from shared.engagement.reading.list_reading import ListReading
from shared.engagement.reading.work_time import WorkTime
from shared.engagement.weights.versions import WeightsVersions
from shared.engine.bindings.contact_documents import Consent, HeldContact
from shared.ports.engagement import ActivityWrite, CampaignWrite, InteractionWrite, Refused, ResponseWrite, ScoreWrite
from shared.ports.mailings import FeedPage, Happening
from tests.bench.cold_start import most_memory
from tests.bench.through_the_app import bench, settled
from tests.contract.clocks import ManualClock
from tests.twins.engagement import LINKS

_PAGE = 100
_HANDLE = "m1"
_OPENERS, _OPENS, _CLICKERS, _CLICKS, _BOUNCERS = 0.30, 1.4, 0.04, 1.6, 0.015
_LONG = timedelta(days=1)
_NAIVE = 1_000
"""Recipients that the naive way is measured with."""


# ------------------------------------------------------------------------------------------------------ over the twins


async def mailing_memory() -> None:
    """Mailings to 20,000 and 200,000 people over twins that make events up: only the connector takes memory."""
    for size in (20_000, 200_000):
        with TemporaryDirectory() as folder:
            await _over_twins(Path(folder), size)


class _LongMailings:
    """A mailing whose events are made up page by page. Implements the port `Mailings`."""

    def __init__(self, size: int, begun: datetime) -> None:
        self._size = size
        self._begun = begun
        self.calls: Counter[str] = Counter()

    @property
    def _mailing(self) -> Mailing:
        return Mailing(_HANDLE, "News", begun=self._begun, sent=self._size)

    async def between(self, start: datetime, end: datetime) -> Sequence[Mailing]:
        self.calls["list of mailings"] += 1
        return [self._mailing]

    async def of_campaigns(self) -> Sequence[Mailing]:
        return []

    async def details(self, mailing: str, origin: MailingOrigin) -> tuple[Mailing, MailingContent]:
        self.calls["details"] += 1
        return self._mailing, MailingContent("Hello", links=LINKS)

    async def counts(self, mailing: str) -> MailingCounts:
        self.calls["statistics"] += 1
        opened, clicked = round(self._size * _OPENERS), round(self._size * _CLICKERS)
        bounced = round(self._size * _BOUNCERS)
        return MailingCounts(self._size, self._size - bounced, opened, opened, clicked, bounced, 0, 0, 0, 0)

    def noted(self, kind: EventKind, start: datetime, end: datetime, *, after: str = "") -> AsyncIterator[FeedPage]:
        return self._pages(f"feed {kind.name.lower()}", kind, after, links=False)

    def listed(self, mailing: Mailing, kind: EventKind, *, after: str = "") -> AsyncIterator[FeedPage]:
        return self._pages(f"list {kind.name.lower()}", kind, after, links=True)

    async def bounces(self, start: datetime, end: datetime) -> AsyncIterator[Sequence[Bounce]]:
        self.calls["list of bounces"] += 1
        for page in ():
            yield page

    async def clicks_of(self, mailing: str, external_id: str) -> Sequence[Happening]:
        raise AssertionError("many clicks are read by the list")

    async def _pages(self, call: str, kind: EventKind, after: str, *, links: bool) -> AsyncIterator[FeedPage]:
        waiting: list[Happening] = []
        skipped = int(after or 0) * _PAGE
        number = int(after or 0)
        for position, one in enumerate(self._events(kind, links=links)):
            if position < skipped:
                continue
            waiting.append(one)
            if len(waiting) == _PAGE:
                number += 1
                self.calls[call] += 1
                yield FeedPage(waiting, str(number))
                waiting = []
        self.calls[call] += 1
        yield FeedPage(waiting, "")

    def _events(self, kind: EventKind, *, links: bool) -> Iterator[Happening]:
        match kind:
            case EventKind.SENT:
                people, times, detail = self._size, 1.0, ""
            case EventKind.OPENED:
                people, times, detail = round(self._size * _OPENERS), _OPENS, ""
            case EventKind.CLICKED:
                people, times, detail = round(self._size * _CLICKERS), _CLICKS, "1" if links else ""
            case _:
                people, times, detail = round(self._size * _BOUNCERS), 1.0, str(BounceType.HARD)
        for number in range(round(people * times)):
            at = self._begun + timedelta(seconds=60 * (number // people) + 15 + number % 60)
            yield Happening(_HANDLE, str(UUID(int=number % people + 1)), event(kind, at, detail))


class _Everybody:
    """A ledger in which every contact has its record. Implements what `EventKeeper` reads."""

    async def contacts(self, external_ids: Iterable[str]) -> dict[str, HeldContact]:
        return {
            one: HeldContact(one, "", BaseState.BASE, {RecordKey(PersonTable.CONTACT, UUID(one)): Consent.ALLOWS})
            for one in external_ids
        }


class _CountedRows:
    """Counts rows and the calls that they would take: 500 rows a bulk message. Implements all ports of rows."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    async def are_available(self) -> bool:
        return True

    def _count(self, what: str, rows: Sequence[object]) -> Sequence[Refused]:
        self.rows[what] += len(rows)
        self.calls[what] += -(-len(rows) // 500)
        return []

    async def write(self, rows: Sequence[CampaignWrite | InteractionWrite | ScoreWrite]) -> Sequence[Refused]:
        return self._count(type(rows[0]).__name__.removesuffix("Write").lower() if rows else "nothing", rows)

    async def write_activities(self, rows: Sequence[ActivityWrite]) -> Sequence[Refused]:
        return self._count("activity", rows)

    async def write_responses(self, rows: Sequence[ResponseWrite]) -> Sequence[Refused]:
        return self._count("response", rows)


async def _over_twins(folder: Path, size: int) -> None:
    clock = ManualClock()
    begun = clock.now()
    clock.advance(timedelta(hours=2))
    store = SqliteStateStore(folder / "state.db", clock=clock)
    policy = EngagementPolicy(environment="bench", scoring=Scoring(weights_of(Preset.B2B)))
    platform, rows, known = _LongMailings(size, begun), _CountedRows(), KnownMailings(store, "bench")
    keeper = EventKeeper(
        memories=Memories(store, "bench"),
        ledger=_Everybody(),  # type: ignore[arg-type]
        campaigns=rows,  # type: ignore[arg-type]
        interactions=rows,  # type: ignore[arg-type]
        activities=rows,
        scores=rows,  # type: ignore[arg-type]
        tallies=StoredTallies(store, "bench"),
        refused=RefusedRows(store, "bench", clock),
        weights=WeightsVersions(store, clock, "bench"),
        policy=policy,
        clock=clock,
    )
    bounces = BounceReading(feeds=platform, keeper=keeper)  # type: ignore[arg-type]
    feed = FeedReading(platform=platform, keeper=keeper, bounces=bounces, policy=policy, clock=clock)  # type: ignore[arg-type]
    lists = ListReading(platform=platform, keeper=keeper, known=known, clock=clock)  # type: ignore[arg-type]
    campaigns = MailingPass(platform=platform, campaigns=rows, policy=policy, clock=clock)  # type: ignore[arg-type]
    for what in ("first reading", "again, nothing changed"):
        platform.calls.clear()
        rows.rows.clear()
        rows.calls.clear()
        lease = await FeedLease.take(FeedCursor(store, "bench"), clock, _LONG, first=begun)
        book, kept, until = MailingBook(known, platform, policy), Kept(), WorkTime.begin(clock, _LONG)  # type: ignore[arg-type]
        tracemalloc.start()
        begin = time.perf_counter()
        await campaigns.recent(book, PassDepth.DUE)
        await feed.read(lease, book, kept, until)
        await lists.read(lease, book, kept, until)
        seconds, peak = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        await lease.release()
        clock.advance(timedelta(minutes=5))
        written = ", ".join(f"{count:,} {name}" for name, count in sorted(rows.rows.items()) if count) or "no"
        print(
            f"mailing  {size:,}, {what}: {kept.events:,} events with {sum(platform.calls.values()):,} calls to Spotler "
            f"(naive: {size:,}); {written} rows with {sum(rows.calls.values()):,} calls to Dataverse; "
            f"{seconds:.0f} s under measurement, {peak / 2**20:.0f} MB at most"
        )
    await store.close()


# ------------------------------------------------------------------------------------------------------ through the app


async def mailing() -> None:
    """A mailing to 1,000 people through the app and both sandboxes."""
    await _through_the_app(1_000)


async def mailing_20k() -> None:
    """The same with 20,000."""
    await _through_the_app(20_000)


async def mailings() -> None:
    """Flat memory over twins up to 200,000 people, then 20,000 through the app, beside the naive way."""
    await mailing_memory()
    await mailing_20k()


async def _naive(handle: str, external_ids: Sequence[str]) -> float:
    """Ask for the clicks of each recipient, four at a time; returns seconds."""
    platform, gate = (await app.connector()).engagement.platform, asyncio.Semaphore(4)

    async def ask(external_id: str) -> None:
        async with gate:
            await platform.clicks_of(handle, external_id)

    begin = time.perf_counter()
    await asyncio.gather(*(ask(one) for one in external_ids))
    return time.perf_counter() - begin


async def _through_the_app(size: int) -> None:
    async with bench(round(size * 1.25)) as running:
        headers = {"x-functions-key": running.host.keys.default}
        async with httpx.AsyncClient(base_url=running.host.url, timeout=300, headers=headers) as http:
            for table in ("contact", "lead", "account"):
                (await http.post("/api/resync", json={"table": table})).raise_for_status()
            await settled()
            await running.spotler.post("mailing", {"name": "Bench", "halfMinutes": 0.05})
            await asyncio.sleep(8)  # people open and click
            before, asked = await running.requests(), await running.spotler.requests()
            memory = most_memory()
            begin = time.perf_counter()
            answer = (await http.post("/api/engagement", json={})).raise_for_status().json()
            await settled()
            seconds = time.perf_counter() - begin
            after, now = await running.requests(), await running.spotler.requests()
            calls = {name: count - asked.get(name, 0) for name, count in now.items()}
            shown = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()) if count)
            rows = await running.dynamics.read("dh_marketinginteractions?$select=dh_type&$count=true&$top=1")
            print(
                f"mailing  {size:,} contacts: {answer['events']} events in the first step, "
                f"{rows.get('@odata.count')} rows, {seconds:.1f} s; {after[0] - before[0]} requests to Dataverse, "
                f"{after[1] - before[1]} to Spotler ({shown}); "
                f"most memory {memory:.0f} MB before, {most_memory():.0f} MB after"
            )
            (handle,) = [one.handle async for one in (await app.connector()).engagement.known.all()]
            people = [one["externalId"] for one in await running.spotler.contacts() if one.get("externalId")]
            sample = people[:_NAIVE]
            took = await _naive(handle, sample)
            print(
                f"mailing  the naive way, clicks of each recipient: {len(sample):,} calls took {took:.1f} s, so "
                f"{len(people):,} recipients {took * len(people) / len(sample):.0f} s, for clicks alone"
            )
