"""A model of ten minutes of saves beside bulk work, within the limits of the simulated Dataverse.

The product spaces batches of events and requests of bulk work; everything else is a wait, and time passes only while
everybody waits. So ten minutes take a second, whatever else the machine does.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.adapters.dataverse.web_api.throttling import ServiceProtection
from shared.local.dataverse_sandbox.http.limits import Limits, Meter
from shared.ports.background import in_background
from shared.triggers.queues.fill_time import BatchSpacing
from tests.bench.figures.figure import Measured

MINUTES = 10
_ANSWER, _COMPUTING = 0.02, 0.03
"""Seconds: what an answer takes, and the connector between the reads of a batch and the report."""

_BULK_COMPUTING = 0.25
"""Seconds between two requests of each of two bulk calls: eight requests a second for a thousand contacts."""

_PLAYED = ((5, 1), (20, 1), (50, 1), (50, 2), (50, 4))
"""Saves a second, and workers."""

_HEAD = (
    "| saves a second | workers | median | 95th percentile | 99th percentile | median of the slowest minute "
    "| 99th percentile of the slowest minute | requests of bulk work a second |\n|---|---|---|---|---|---|---|---|"
)

_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class VirtualTime(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        super().__init__(_Skipping(self))

    def time(self) -> float:
        return self.seconds


class _Skipping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTime) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        self._loop.seconds += timeout or 0.0
        return super().select(0)


@dataclass
class Organisation:
    """The limits of one application user, the events that wait, and how long each took."""

    meter: Meter = field(default_factory=lambda: Meter(Limits()))
    waiting: list[float] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[float] = field(default_factory=list)
    used_by_bulk: int = 0

    async def request(self, protection: ServiceProtection) -> None:
        """Answer one request; Raises TooManyRequests."""
        now = asyncio.get_running_loop().time
        async with protection.slot():
            self.meter.begin("connector", now())
            await asyncio.sleep(_ANSWER)
            self.meter.end("connector", now(), _ANSWER)
            protection.note(self.meter.headers("connector", now()))

    async def saves(self, a_second: int) -> None:
        """Let people save for ten minutes, each whenever it is."""
        chance = random.Random(1)
        for _ in range(a_second * 60 * MINUTES):
            self.waiting.append(asyncio.get_running_loop().time())
            self.arrived.set()
            await asyncio.sleep(chance.expovariate(a_second))

    async def handle_events(self, protection: ServiceProtection) -> None:
        """Handle one batch after the other, as the function of events does."""
        spacing = BatchSpacing()
        now = asyncio.get_running_loop().time
        while True:
            await self.arrived.wait()
            self.arrived.clear()
            batch, self.waiting[:] = self.waiting[:], []
            if not batch:
                continue
            await self.request(protection)
            await asyncio.sleep(_COMPUTING)
            self.taken += [now() - at for at in batch]
            await self.request(protection)
            arrivals = [_NOON + timedelta(seconds=at) for at in batch]
            await asyncio.sleep(spacing.fill_time(arrivals, protection.budget.share, now=now()))

    async def handle_bulk(self, protection: ServiceProtection) -> None:
        """Go over whole tables without an end."""
        with in_background():
            while True:
                await self.request(protection)
                self.used_by_bulk += 1
                await asyncio.sleep(_BULK_COMPUTING)


async def _ten_minutes(organisation: Organisation, *, saves_a_second: int, workers: int) -> None:
    """Save at a rate while workers handle events, each with two bulk calls."""
    now = asyncio.get_running_loop().time
    handling: list[asyncio.Task[None]] = []
    for _ in range(workers):
        protection = ServiceProtection(now=now)
        handling.append(asyncio.create_task(organisation.handle_events(protection)))
        handling += [asyncio.create_task(organisation.handle_bulk(protection)) for _ in range(2)]
    saving = asyncio.create_task(organisation.saves(saves_a_second))
    await asyncio.wait([saving, *handling], return_when=asyncio.FIRST_COMPLETED)
    assert not [one for one in handling if one.done() and one.exception()], "a request was refused"
    assert saving.done()
    for one in handling:
        one.cancel()


@dataclass(frozen=True)
class TenMinutes:
    """The seconds that each save took, in their order, and the requests of bulk work."""

    saves_a_second: int
    workers: int
    taken: Sequence[float]
    used_by_bulk: int

    @property
    def minutes(self) -> list[Sequence[float]]:
        """The saves of each minute."""
        a_minute = self.saves_a_second * 60
        return [self.taken[minute * a_minute :][:a_minute] for minute in range(MINUTES)]

    def slowest(self, share: float) -> float:
        """Return the percentile of the minute in which it is the highest."""
        return max(percentile(minute, share) for minute in self.minutes)

    @property
    def row(self) -> str:
        """The line of the table."""
        of_all = " | ".join(f"{percentile(self.taken, share):.2f} s" for share in (0.5, 0.95, 0.99))
        of_slowest = " | ".join(f"{self.slowest(share):.2f} s" for share in (0.5, 0.99))
        requests = self.used_by_bulk / MINUTES / 60
        return f"| {self.saves_a_second} | {self.workers} | {of_all} | {of_slowest} | {requests:.1f} |"


def percentile(taken: Sequence[float], share: float) -> float:
    """Return a percentile in seconds."""
    return sorted(taken)[int(len(taken) * share)]


def ten_minutes(*, saves_a_second: int, workers: int) -> TenMinutes:
    """Play ten minutes. AssertionError if Dataverse refuses a request."""
    organisation = Organisation()
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        runner.run(_ten_minutes(organisation, saves_a_second=saves_a_second, workers=workers))
    return TenMinutes(saves_a_second, workers, organisation.taken, organisation.used_by_bulk)


async def limits_model() -> Measured:
    """Ten minutes at some rates, with one worker and with several."""
    rows = []
    for rate, workers in _PLAYED:
        found = await asyncio.to_thread(ten_minutes, saves_a_second=rate, workers=workers)
        rows.append(found.row)
    return Measured(markdown="\n".join([_HEAD, *rows]))
