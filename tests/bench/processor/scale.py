"""A whole table of very many contacts: does a contact cost the same at the end, and what does the process hold?"""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from shared.adapters.storage.table_layout import partition_of
from shared.domain.records.records import PersonTable
from shared.ports.queue import QueueName
from tests.bench.figures.figure import Better, Figure, Measured, yardstick
from tests.bench.processor.made_up import CountingStore, MadeUpWorld, made_up_world

_PARTS = 10
_ENTITIES_A_SECOND, _ENTITIES_OF_AN_ACCOUNT = 2_000, 20_000
"""Of a partition and of an account: Microsoft's page on scalability targets of Table storage, for entities of 1 KB."""


async def scale() -> Measured:
    """The initial synchronisation of 200,000 contacts over twins that make people up."""
    return await _walk_over(200_000)


async def scale_million() -> Measured:
    """The same with 1,000,000."""
    return await _walk_over(1_000_000)


async def scale_short() -> Measured:
    """The same with 10,000: whether the benchmark works."""
    return await _walk_over(10_000)


_HEAD = (
    "| contacts | processor seconds for 100,000 | MB of the process | documents read for each | written |\n"
    "|---|---|---|---|---|"
)


@dataclass(frozen=True)
class _Mark:
    """The process at the begin of a part: processor seconds, memory in megabytes, documents read and written."""

    seconds: float
    megabytes: float
    read: int
    written: int


@dataclass
class _Marks:
    """Notes a mark each time that a tenth of the people is through."""

    world: MadeUpWorld
    size: int
    marks: list[_Mark] = field(default_factory=list)

    def note(self, first: int) -> None:
        if first >= len(self.marks) * self.size // _PARTS:
            calls = self.world.store.calls
            mark = _Mark(time.process_time(), _memory(), calls["documents read"], calls["documents written"])
            self.marks.append(mark)
            if len(self.marks) > 1:
                print(self.rows[-1], flush=True)  # a million takes a quarter of an hour

    @property
    def costs(self) -> list[float]:
        """Processor seconds of a contact, by tenth."""
        return [(after.seconds - before.seconds) / self._count for before, after in pairwise(self.marks)]

    @property
    def rows(self) -> list[str]:
        """The lines of the table."""
        return [
            f"| {number * self.size // _PARTS:,} | {(after.seconds - before.seconds) / self._count * 100_000:,.0f} "
            f"| {after.megabytes:,.0f} | {(after.read - before.read) / self._count:.2f} "
            f"| {(after.written - before.written) / self._count:.2f} |"
            for number, (before, after) in enumerate(pairwise(self.marks), 1)
        ]

    @property
    def _count(self) -> float:
        return self.size / _PARTS


async def _walk_over(size: int) -> Measured:
    unit = yardstick()
    print(_HEAD)
    async with made_up_world(Path(os.environ["LOCAL_FOLDER"]), size) as world:
        marks = _Marks(world, size)
        world.people.before_page = marks.note
        await world.connector.resync.table(PersonTable.CONTACT, QueueName.BULK, correlation="c-1")
        await world.connector.quiet(deliveries=10 * size)
        marks.note(size)
        there = sum(world.platform.has)
    assert there == size, "everybody is in Spotler"
    costs = marks.costs
    note = _note(world.store, size)
    figures = [
        Figure(f"scale: contacts a second and core, {size:,}", 1 / (sum(costs) / len(costs)) / unit),
        Figure(f"scale: last tenth over first, {size:,}", costs[-1] / costs[0], Better.LOWER),
    ]
    return Measured(figures, "\n".join([_HEAD, *marks.rows]) + f"\n\n{note}")


def _note(store: CountingStore, size: int) -> str:
    """Count what a contact takes of the state store, and how many contacts Azure Tables admits in a second."""
    operations = (store.calls["reads"] + store.calls["writes"] + store.calls["scans"]) / size
    documents = (store.calls["documents read"] + store.calls["documents written"]) / size
    kinds: Counter[str] = Counter()
    for partition_key, count in store.partitions.items():
        kinds[partition_of(partition_key).partition("-")[2]] += count
    busy = ", ".join(f"{kind} {count / size:.1f}" for kind, count in kinds.most_common() if count >= size / 10)
    by_partition = _ENTITIES_A_SECOND * size / max(store.partitions.values())
    by_account = _ENTITIES_OF_AN_ACCOUNT / documents
    return (
        f"Calls of the state store for a contact: {operations:.4f}. Documents read and written for each: "
        f"{documents:.1f}; {busy}. Azure Tables promises {_ENTITIES_A_SECOND:,} a second for a partition: "
        f"{by_partition:,.0f} contacts a second for all workers of an environment. It promises "
        f"{_ENTITIES_OF_AN_ACCOUNT:,} a second for a storage account: {by_account:,.0f} contacts."
    )


def _memory() -> float:
    """Return the megabytes that the process has in memory now; 0 where that cannot be read."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
