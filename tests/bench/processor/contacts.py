"""How much processor time the connector needs for a contact: over twins, and as a whole between two sandboxes."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.domain.records.records import PersonTable, Reference, Why
from shared.ports.queue import QueueName
from tests.bench.figures.figure import Figure, Measured, yardstick
from tests.bench.processor.made_up import MadeUpWorld, key_of, made_up_world
from tests.bench.saver import save
from tests.bench.through_the_app import bench, settled

_PEOPLE, _SAVES = 5_000, 1_000
_SAVED, _WALKED = "saved by users", "in the walk of a table"


@dataclass
class Processor:
    """The processor seconds of this process during a block, and the seconds on the clock."""

    own: float = 0.0
    clock: float = 0.0


@contextmanager
def processor_time() -> Iterator[Processor]:
    """Measure a block."""
    taken, own, clock = Processor(), time.process_time(), time.perf_counter()
    yield taken
    taken.own, taken.clock = time.process_time() - own, time.perf_counter() - clock


async def processor() -> Measured:
    """Contacts a second that one core gets through, new and changed ones, without the services."""
    unit = yardstick()
    speeds = [*[one async for one in _engine()], *[one async for one in _app()]]
    rows = [f"| {name} | {speed:,.0f} |" for name, speed in speeds]
    table = "\n".join(["| contacts | a second and core |", "|---|---|", *rows])
    return Measured([Figure(f"processor: {name}", speed / unit) for name, speed in speeds], table)


async def _engine() -> AsyncIterator[tuple[str, float]]:
    """The use cases over twins that cost nearly nothing; the state store is SQLite."""
    for label in (_SAVED, _WALKED):
        folder = Path(os.environ["LOCAL_FOLDER"]) / label.partition(" ")[0]
        async with made_up_world(folder, _PEOPLE) as world:
            for what, city in (("new", "Utrecht"), ("changed", "Gouda"), ("unchanged", "Gouda")):
                world.people.city = city
                with processor_time() as taken:
                    await (_saved if label == _SAVED else _walked)(world)
                world.people.are_known = True
                yield f"{what}, {label}, without services", _PEOPLE / taken.own


async def _app() -> AsyncIterator[tuple[str, float]]:
    """The whole connector with its local host, queues and HTTP."""
    async with bench() as running:
        for what in ("new", "changed"):
            with processor_time() as taken:
                await save(running.addresses, what, _SAVES)
                await settled()
            yield f"{what}, {_SAVED}, the whole process", _SAVES / taken.own


async def _saved(world: MadeUpWorld) -> None:
    """Deliver references in batches of 500, as the live lane does at most."""
    for first in range(0, _PEOPLE, 500):
        keys = [key_of(number) for number in range(first, first + 500)]
        await world.connector.people.handle([Reference(key, Why.SAVED, "c-1") for key in keys], lane=QueueName.LIVE)


async def _walked(world: MadeUpWorld) -> None:
    await world.connector.resync.table(PersonTable.CONTACT, QueueName.BULK, correlation="c-1")
    await world.connector.quiet(deliveries=10 * _PEOPLE)
