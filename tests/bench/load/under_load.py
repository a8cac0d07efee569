"""How long a save takes at a steady rate of saves, while whole tables go through the bulk lane, within API limits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from shared.adapters.dataverse.web_api import throttling
from shared.composition import app
from shared.dispatch.resync import PAGE
from shared.domain.records.records import PersonTable
from shared.local.sandbox.addresses import CONNECTOR_CLIENT, PEOPLE_CLIENT
from shared.ports.queue import QueueName
from tests.bench.figures.figure import Measured
from tests.bench.saver import NO_LIMITS, save
from tests.bench.through_the_app import Bench, bench, settled, watching_calls

_RATES = (5, 20, 50)
"""Saves a second."""

_CONTACTS_AMONG_PEOPLE = 0.7
_REQUESTS, _EXECUTION, _WINDOW = 6_000, 1_200, 300
"""What Dataverse admits: requests, and seconds of execution, in so many seconds."""

_TENTH = 10
"""Limits of a tenth in a tenth of the time admit as many requests a second, and bite within seconds."""

_HEAD = (
    "| saves a second | saves | median | 95th percentile | 99th percentile | bulk contacts a second "
    "| requests to Dataverse, of the limit | time of execution, of the limit | refused | requests to Spotler a second "
    "| cores taken |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class _Load:
    """The contacts of the initial synchronisation, seconds of saves at each rate, and the rates of each sandbox.

    `divisor` divides the limits of Dataverse and their window.
    """

    contacts: int
    seconds: int
    sandboxes: Sequence[Sequence[int]] = tuple((rate,) for rate in _RATES)
    divisor: int = 1


@dataclass(frozen=True)
class _Use:
    """What was used so far: by the connector of both services and of the processor, and pages by the bulk lane."""

    at: float
    processor: float
    dataverse: int
    execution: float
    refused: int
    spotler: int
    pages: int

    @classmethod
    async def of(cls, running: Bench, bulk: _BulkCalls) -> _Use:
        """Read all counters."""
        counters = await running.dynamics.counters()
        return cls(
            time.perf_counter(),
            time.process_time(),
            counters.get(f"client {CONNECTOR_CLIENT}", 0),
            counters.get(f"milliseconds {CONNECTOR_CLIENT}", 0) / 1000,
            counters.get("status 429", 0),
            sum((await running.spotler.requests()).values()),
            bulk.count,
        )


@dataclass(frozen=True)
class _Found:
    """How long saves took, in milliseconds, and what was used before and after."""

    rate: int
    taken: Sequence[float]
    before: _Use
    after: _Use

    def percentile(self, share: float) -> float:
        """Return a percentile in seconds."""
        ordered = sorted(self.taken)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1000

    @property
    def row(self) -> str:
        """The line of the table."""
        before, after = self.before, self.after
        seconds = after.at - before.at
        points = " | ".join(f"{self.percentile(share):.2f} s" for share in (0.5, 0.95, 0.99))
        bulk = (after.pages - before.pages) * PAGE / seconds
        requests = (after.dataverse - before.dataverse) / seconds * _WINDOW / _REQUESTS
        execution = (after.execution - before.execution) / seconds * _WINDOW / _EXECUTION
        return (
            f"| {self.rate} | {len(self.taken):,} | {points} | {bulk:.0f} | {requests:.0%} | {execution:.0%} "
            f"| {after.refused - before.refused} | {(after.spotler - before.spotler) / seconds:.1f} "
            f"| {(after.processor - before.processor) / seconds:.2f} |"
        )


async def under_load() -> Measured:
    """Twenty seconds at each rate beside the synchronisation of 3,000 contacts."""
    return await _measured(_Load(contacts=3_000, seconds=20))


async def under_load_tenth() -> Measured:
    """Two minutes, four windows of a tenth of the limits, at each rate beside the synchronisation of 10,000."""
    with _divided_limits(_TENTH):
        return await _measured(_Load(contacts=10_000, seconds=120, divisor=_TENTH))


@contextmanager
def _divided_limits(divisor: int) -> Iterator[None]:
    """Let the connector of this process know limits, and a window, of so small a part."""
    limits = {"_REQUESTS": _REQUESTS // divisor, "_SECONDS": _EXECUTION / divisor, "_WINDOW": _WINDOW / divisor}
    own = {name: getattr(throttling, name) for name in limits}  # AttributeError if one of them is called otherwise
    try:
        for name, value in limits.items():
            setattr(throttling, name, value)
        yield
    finally:
        for name, value in own.items():
            setattr(throttling, name, value)


async def under_load_long() -> Measured:
    """Three minutes and a half at each rate, in twelve minutes: 20,000 new contacts, then the same table on and on."""
    return await _measured(_Load(contacts=20_000, seconds=210, sandboxes=(_RATES,)))


async def under_load_whole() -> Measured:
    """Ten minutes at each rate beside the synchronisation of 100,000 contacts each."""
    return await _measured(_Load(contacts=100_000, seconds=600))


async def _measured(load: _Load) -> Measured:
    found: list[_Found] = []
    print(_HEAD)
    for rates in load.sandboxes:
        bulk = _BulkCalls()
        async with bench(round(load.contacts / _CONTACTS_AMONG_PEOPLE)) as running:
            # Whoever saves is one user here; in an organisation there are many, each with limits of its own.
            await running.dynamics.cause("limits", {**NO_LIMITS, "client": PEOPLE_CLIENT})
            limits = {
                "requests": _REQUESTS // load.divisor,
                "execution_seconds": _EXECUTION / load.divisor,
                "window_seconds": _WINDOW / load.divisor,
            }
            await running.dynamics.cause("limits", {**limits, "client": CONNECTOR_CLIENT})
            await save(running.addresses, "new", 1)  # the first save of a process is that of `cold-start`
            with watching_calls(bulk):
                for rate in rates:
                    found.append(await _at_rate(running, bulk, rate, load.seconds))
                    print(found[-1].row, flush=True)
    return Measured(markdown="\n".join([_HEAD, *(one.row for one in found)]))


async def _at_rate(running: Bench, bulk: _BulkCalls, rate: int, seconds: int) -> _Found:
    """Save at a rate; what Spotler notes as the creation of a contact is when the save has arrived."""
    await settled()
    walking = asyncio.create_task(_walk_on_and_on())
    before = await _Use.of(running, bulk)
    saved = await save(running.addresses, "paced", rate * seconds, first=rate * 1_000_000, rate=rate)
    after = await _Use.of(running, bulk)
    walking.cancel()
    await settled()
    created = {
        str(one["properties"]["email"]): float(one["createdAt"]) * 1000 for one in await running.spotler.contacts()
    }
    assert saved.keys() <= created.keys(), "every save has arrived"
    return _Found(rate, [created[email] - at for email, at in saved.items()], before, after)


async def _walk_on_and_on() -> None:
    """Let the bulk lane go over all contacts; when it is through, once more."""
    connector = await app.connector()
    while True:
        await connector.resync.table(PersonTable.CONTACT, QueueName.BULK, correlation=str(uuid4()))
        await asyncio.sleep(1)


class _BulkCalls(logging.Handler):
    """Counts the calls of the bulk lane, from the log of the host. Each handles a page of a table."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += isinstance(record.args, tuple) and record.args[0] == "on_sync_bulk"
