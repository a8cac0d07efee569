"""What mailings to very many people cost: calls, rows, processor time, memory; beside the naive way in the same run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.adapters.storage.sqlite import SqliteStateStore
from shared.domain.engagement.interactions import campaign_id, interaction_id, read_events
from shared.domain.engagement.machines import DEFAULT_RULES
from shared.domain.engagement.mailings import Mailing
from shared.domain.engagement.weights import Preset, weights_of
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.values.free_mail import FreeMail
from shared.engagement.choices import PassDepth
from shared.engagement.keeping.colleagues import Colleagues, Compared, NewClicks
from shared.engagement.keeping.event_keeping import EventKeeper, Kept
from shared.engagement.keeping.memories import Memories
from shared.engagement.keeping.recent_clicks import RecentClicks
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
from shared.ports.documents import documents
from shared.ports.engagement import InteractionWrite
from tests.bench.engagement.made_up import HANDLE, Addresses, CountedRows, Everybody, MadeUpMailings, external_id
from tests.bench.figures.figure import Measured
from tests.connector_twin import MAPPING
from tests.contract.clocks import ManualClock
from tests.twins.engagement import LINKS

_SIZES = (20_000, 200_000)
_LONG = timedelta(days=1)
_LATENCY, _AT_ONCE = 0.05, 4
"""Seconds that a call is assumed to wait, and calls at a time."""

_HEAD = (
    "| mailing to | way | calls to Spotler | calls to Dataverse | rows | processor seconds | minutes of waiting, 50 ms "
    "a call and four at a time | MB more than before |\n|---|---|---|---|---|---|---|---|"
)


async def mailing_memory() -> Measured:
    """Mailings to 20,000 and 200,000 people over twins that make events up: only the connector takes memory."""
    rows: list[str] = []
    notes: list[str] = []
    first: list[Cost] = []
    for size in _SIZES:
        with TemporaryDirectory() as folder:
            world = World(Path(folder), size)
            naive, reading = await world.naive(), await world.reading()
            notes.append(await world.of_colleagues())
            again = await world.reading()
            rows += [
                naive.row(size, "naive, each time"),
                reading.row(size, "the connector, first reading"),
                again.row(size, "the connector, again"),
            ]
            first.append(reading)
            await world.store.close()
    few, many = _SIZES
    notes.append(
        f"The first reading of {many:,} took {_growth(first):.2f} times as much for a recipient as of {few:,}."
    )
    return Measured(markdown="\n".join([_HEAD, *rows]) + "\n\n" + "\n\n".join(notes))


def _growth(costs: Sequence[Cost]) -> float:
    few, many = (cost.seconds / size for cost, size in zip(costs, _SIZES, strict=True))
    return many / few


@dataclass(frozen=True)
class Cost:
    """What a reading took."""

    spotler: int
    dataverse: int
    rows: int
    seconds: float
    megabytes: float

    def row(self, size: int, way: str) -> str:
        """Return the row of the table."""
        minutes = (self.spotler + self.dataverse) * _LATENCY / _AT_ONCE / 60
        return (
            f"| {size:,} | {way} | {self.spotler:,} | {self.dataverse:,} | {self.rows:,} | {self.seconds:,.0f} "
            f"| {minutes:,.1f} | {self.megabytes:,.0f} |"
        )


@dataclass
class WatchedColleagues:
    """Counts what the comparison of colleagues takes. Stands for `Colleagues`."""

    inner: Colleagues
    seconds: float = field(default=0.0)

    async def compare(self, new: Sequence[NewClicks]) -> Compared:
        begin = time.process_time()
        try:
            return await self.inner.compare(new)
        finally:
            self.seconds += time.process_time() - begin

    async def settle(self, compared: Compared) -> None:
        begin = time.process_time()
        await self.inner.settle(compared)
        self.seconds += time.process_time() - begin


class World:
    """The connector's reading over twins, with a state in a folder."""

    def __init__(self, folder: Path, size: int) -> None:
        self.clock = ManualClock()
        self.begun = self.clock.now()
        self.clock.advance(timedelta(hours=2, minutes=5))
        self.store = SqliteStateStore(folder / "state.db", clock=self.clock)
        self.policy = EngagementPolicy(environment="bench", scoring=Scoring(weights_of(Preset.B2B)))
        self.platform, self.rows = MadeUpMailings(size, self.begun), CountedRows()
        self.known, self.addresses = KnownMailings(self.store, "bench"), Addresses()
        self.colleagues = WatchedColleagues(
            Colleagues(
                clicks=RecentClicks(self.store, "bench"),
                people=self.addresses,
                mapping=MAPPING,
                fingerprints=Fingerprinter(b"a key for nothing but figures"),
                free_mail=FreeMail(),
                rules=DEFAULT_RULES,
            )
        )
        platform, rows = self.platform, self.rows
        keeper = EventKeeper(
            memories=Memories(self.store, "bench"),
            ledger=Everybody(),  # type: ignore[arg-type]
            campaigns=rows,  # type: ignore[arg-type]
            interactions=rows,  # type: ignore[arg-type]
            activities=rows,
            scores=rows,  # type: ignore[arg-type]
            colleagues=self.colleagues,  # type: ignore[arg-type]
            tallies=StoredTallies(self.store, "bench"),
            refused=RefusedRows(self.store, "bench", self.clock),
            weights=WeightsVersions(self.store, self.clock, "bench"),
            policy=self.policy,
            clock=self.clock,
        )
        bounces = BounceReading(feeds=platform, keeper=keeper)  # type: ignore[arg-type]
        self.feed = FeedReading(platform=platform, keeper=keeper, bounces=bounces, policy=self.policy, clock=self.clock)
        self.lists = ListReading(platform=platform, keeper=keeper, known=self.known, clock=self.clock)
        self.campaigns = MailingPass(
            platform=platform,
            campaigns=rows,  # type: ignore[arg-type]
            policy=self.policy,
            clock=self.clock,
        )

    async def reading(self) -> Cost:
        """Read as the hourly timer does, without its end of time."""
        lease = await FeedLease.take(FeedCursor(self.store, "bench"), self.clock, _LONG, first=self.begun)
        book, kept = MailingBook(self.known, self.platform, self.policy), Kept()
        until = WorkTime.begin(self.clock, _LONG)
        watch = self._begin()
        await self.campaigns.recent(book, PassDepth.DUE)
        await self.feed.read(lease, book, kept, until)
        await self.lists.read(lease, book, kept, until)
        cost = self._cost(watch)
        await lease.release()
        self.clock.advance(timedelta(minutes=5))
        return cost

    async def naive(self) -> Cost:
        """Ask for each recipient, and write each row by a call of its own; nothing is remembered."""
        rules, links = self.policy.rules, {link.id: link for link in LINKS}
        mailing, campaign = Mailing(HANDLE, "News", begun=self.begun), campaign_id("bench", HANDLE)
        watch = self._begin()
        for number in range(self.platform.size):
            who = external_id(number)
            record = RecordKey(PersonTable.CONTACT, who)
            for row in read_events(await self.platform.all_of(number), links, rules).rows:
                identifier = interaction_id("bench", HANDLE, str(who), row.part)
                await self.rows.write([InteractionWrite(identifier, record, mailing, campaign, row)])
        return self._cost(watch)

    async def of_colleagues(self) -> str:
        """Say what the comparison of colleagues added to the first reading."""
        sizes = [len(str(one.body)) / 1024 async for one in documents(self.store, "bench-clicks")]
        return (
            f"Of the first reading of {self.platform.size:,}, comparing colleagues took {self.addresses.calls:,} "
            f"calls to Dataverse for addresses, {self.colleagues.seconds:.1f} processor seconds, and {len(sizes):,} "
            f"documents of {sum(sizes):,.0f} kB in all, the largest of {max(sizes):,.1f} kB; "
            f"{self.rows.suspect:,} rows were written as those of a machine."
        )

    def _begin(self) -> tuple[float, float]:
        for calls in (self.platform.calls, self.rows.calls, self.rows.rows):
            calls.clear()
        self.rows.suspect = 0
        self.addresses.calls = 0
        return time.process_time(), _forget_most()

    def _cost(self, watch: tuple[float, float]) -> Cost:
        begun, before = watch
        dataverse = sum(self.rows.calls.values()) + self.addresses.calls
        rows = sum(self.rows.rows.values())
        spotler = sum(self.platform.calls.values())
        return Cost(spotler, dataverse, rows, time.process_time() - begun, max(0.0, _most() - before))


def _forget_most() -> float:
    """Let the kernel measure the most memory from now on; returns the megabytes of now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _most()


def _most() -> float:
    """Return the most megabytes that the process has had since."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
