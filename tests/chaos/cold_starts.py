"""The connector starts while something is away, or with a secret that has expired: everything that comes is kept."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

from shared.ports.queue import QueueName
from tests.chaos.figures import Figures
from tests.chaos.ordeal import SHORT, Ordeal
from tests.scenario.world import World, eventually

_CONNECTOR_ONLY = r"^(GET WhoAmI|GET EntityDefinitions|GET contacts$|POST \$batch$|PATCH dh_)"
"""Requests to Dataverse that only the connector makes: the users' own must get through."""

_LOCKED_QUEUE_SECONDS = 4.0
"""Less than what senders wait for the file: in Azure, Dataverse sends to a queue of its own side."""


async def _start(
    ordeal: Ordeal, name: str, outage: AbstractAsyncContextManager[None], *, needs_no_queue: bool = True
) -> Figures:
    """Start the connector within an outage; it ends while the connector runs, once everything was put aside."""
    world = ordeal.world
    ends = AsyncExitStack()

    async def fail() -> None:
        await world.settled()
        await world.connector.stop()
        await ends.enter_async_context(outage)
        await world.connector.start()

    async def taken_in() -> bool:
        return not (await world.queue.depth(QueueName.EVENTS)).active

    async def heal() -> int:
        if needs_no_queue:
            await eventually(taken_in, "events to be put aside", timeout_s=60)
        await _nothing_is_dead_lettered(world)
        await ends.aclose()
        return 1

    return await ordeal.suffer(name, fail, heal)


async def _start_with(ordeal: Ordeal, name: str, **expired: str) -> Figures:
    """Start the connector with a secret that has expired, and later with the right one."""
    world = ordeal.world

    async def fail() -> None:
        await world.settled()
        await world.connector.restart(**expired)

    async def heal() -> int:
        await _nothing_is_dead_lettered(world)
        await world.connector.stop()
        let_time_pass(world.folder / "queue.db")  # what an administrator must mend is looked at every five minutes
        await world.connector.start()
        return 1

    return await ordeal.suffer(name, fail, heal)


async def _nothing_is_dead_lettered(world: World) -> None:
    letters = await world.queue.dead_letters()
    assert letters == [], [letter.reason for letter in letters]


def let_time_pass(queue: Path) -> None:
    """Let everything that is scheduled fall due, as hours do."""
    with contextlib.closing(sqlite3.connect(queue, timeout=10)) as file, file:
        file.execute("UPDATE messages SET visible_at = 0 WHERE lock IS NULL")


async def a_start_without_dataverse(ordeal: Ordeal) -> Figures:
    """Dataverse answers 503 to everything, who it is included."""

    @asynccontextmanager
    async def outage() -> AsyncIterator[None]:
        rules = [{"match": _CONNECTOR_ONLY, "kind": "unavailable"}]
        await ordeal.world.dynamics.cause("faults", {"rules": rules})
        yield
        await ordeal.world.dynamics.cause("faults", {})

    return await _start(ordeal, "cold start: Dataverse unavailable", outage())


async def a_start_without_spotler(ordeal: Ordeal) -> Figures:
    """Spotler answers 503 to everything."""

    @asynccontextmanager
    async def outage() -> AsyncIterator[None]:
        await ordeal.world.spotler.post("faults", {"kind": "unavailable", "times": 1_000_000})
        yield
        await ordeal.world.spotler.recover()

    return await _start(ordeal, "cold start: Spotler unavailable", outage())


async def a_start_without_the_state_store(ordeal: Ordeal) -> Figures:
    """Somebody else holds the file of the state, for writing and for reading; in the short version only at first."""

    @asynccontextmanager
    async def outage() -> AsyncIterator[None]:
        await ordeal.world.store.close()
        pragma = "PRAGMA locking_mode = EXCLUSIVE"
        async with _held(ordeal.world.folder / "state.db", pragma, seconds=2.0 if ordeal.size is SHORT else None):
            yield

    return await _start(ordeal, "cold start: state store locked", outage())


async def a_start_without_the_queue(ordeal: Ordeal) -> Figures:
    """Somebody else holds the file of the queue for some seconds: nothing is received, sent, or settled."""
    outage = _held(ordeal.world.folder / "queue.db", seconds=_LOCKED_QUEUE_SECONDS)
    return await _start(ordeal, "cold start: queue locked", outage, needs_no_queue=False)


async def a_start_with_an_expired_secret_of_dataverse(ordeal: Ordeal) -> Figures:
    """Microsoft Entra gives no token."""
    return await _start_with(ordeal, "cold start: expired secret of Dataverse", DATAVERSE_CLIENT_SECRET="expired")


async def a_start_with_an_expired_secret_of_spotler(ordeal: Ordeal) -> Figures:
    """Spotler refuses every signature."""
    return await _start_with(ordeal, "cold start: expired secret of Spotler", SPOTLER_SECRET="expired")


@asynccontextmanager
async def _held(file: Path, *pragmas: str, seconds: float | None = None) -> AsyncIterator[None]:
    """Hold the write lock of a SQLite file while the block runs, or for some seconds of it."""
    with contextlib.closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as holder:
        for pragma in pragmas:
            holder.execute(pragma).fetchall()
        holder.execute("BEGIN EXCLUSIVE")

        async def let_go() -> None:
            if seconds is not None:
                await asyncio.sleep(seconds)
                holder.close()

        releasing = asyncio.create_task(let_go())
        yield
        await releasing


COLD_STARTS = (
    a_start_without_dataverse,
    a_start_without_spotler,
    a_start_without_the_state_store,
    a_start_without_the_queue,
    a_start_with_an_expired_secret_of_dataverse,
    a_start_with_an_expired_secret_of_spotler,
)
