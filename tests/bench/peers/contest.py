"""`peers`: one run on one sandbox in its own process, without latency and with 50 ms; figures as ratios."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from shared.adapters.messaging.sqlite import SqliteQueue
from shared.composition import app
from shared.composition.connections import SystemClock, redact
from shared.local.commands.connector import connector_host
from shared.local.sandbox.addresses import Addresses
from shared.local.sandbox.process import sandbox
from shared.local.sandbox.users import DynamicsUser, SpotlerUser
from shared.ports.queue import OutgoingMessage, QueueName
from tests.bench.figures.figure import Figure, Measured
from tests.bench.figures.plots import Bar, bars
from tests.bench.peers.functions import batch_by_batch, connected, message_by_message
from tests.bench.peers.reads import CONNECTOR, Read, readers
from tests.bench.saver import NO_LIMITS, save
from tests.bench.through_the_app import settled
from tests.installed import organisation

_SAVES = 1_000
LATENCIES = (0, 50)
"""Milliseconds that are added to every answer of both services."""

FUNCTION = "a function for each message"
BATCHED = "the same with $batch"


@dataclass(frozen=True)
class Result:
    """How one contender did: seconds, those of its processor, and requests as the sandbox counted them."""

    who: str
    latency: int
    seconds: float
    processor: float
    requests: int


@dataclass(frozen=True)
class Stage:
    """The services, and the events of saved contacts that nobody has handled yet."""

    addresses: Addresses
    dynamics: DynamicsUser
    spotler: SpotlerUser
    queue: SqliteQueue

    async def requests(self) -> int:
        """Count what both services were asked so far."""
        return (await self.dynamics.counters())["requests"] + sum((await self.spotler.requests()).values())

    async def saved(self, number: int) -> tuple[list[str], list[OutgoingMessage]]:
        """Save a thousand contacts; return their ids and the messages about them."""
        await save(self.addresses, "new", _SAVES, first=number * _SAVES)
        messages: list[OutgoingMessage] = []
        while received := await self.queue.receive(QueueName.EVENTS, limit=_SAVES, wait=timedelta(seconds=0.2)):
            messages += [
                OutgoingMessage(one.body, one.content_type, one.properties, one.message_id, one.correlation_id)
                for one in received
            ]
            await self.queue.complete(QueueName.EVENTS, received)
        ids = [str(json.loads(one.body)["PrimaryEntityId"]) for one in messages]
        assert len({*ids}) == _SAVES, "one message for each contact"
        return ids, messages


@asynccontextmanager
async def _stage(latency: int) -> AsyncIterator[Stage]:
    """Start the sandbox; its events go into a queue that nobody listens to."""
    with tempfile.TemporaryDirectory() as folder:
        # Microsoft's client takes https only, so all of them do.
        options = ("--tls", "--organisation", str(organisation()), "--people", "0", "--latency", str(latency))
        async with sandbox(*options, environment={**os.environ, "LOCAL_FOLDER": folder}) as addresses:
            trusted = {"SSL_CERT_FILE": addresses.certificate, "REQUESTS_CA_BUNDLE": addresses.certificate}
            os.environ.update(addresses.as_environment() | trusted)
            queue = SqliteQueue(Path(folder) / "queue.db", clock=SystemClock(), redact=redact)
            async with DynamicsUser(addresses) as dynamics, SpotlerUser(addresses) as spotler:
                await dynamics.cause("limits", NO_LIMITS)
                try:
                    yield Stage(addresses, dynamics, spotler, queue)
                finally:
                    await queue.close()


async def peers() -> Measured:
    """Measure everybody, as a table, ratios and plots."""
    saves: list[Result] = []
    reads: list[Result] = []
    for latency in LATENCIES:
        contested = await _in_a_process(latency)
        saves += contested[:3]
        reads += contested[3:]
    tables = (
        _table(f"{_SAVES:,} saved contacts that are new to Spotler", saves),
        _table(f"{_SAVES:,} contacts read by id", reads),
    )
    plots = {
        "peers-seconds": _plot(f"{_SAVES:,} saved contacts that are new to Spotler: seconds", saves, _seconds),
        "peers-requests": _plot(f"{_SAVES:,} saved contacts that are new to Spotler: requests", saves[:3], _requests),
    }
    return Measured((*_figures(saves, "new"), *_figures(reads, "read")), "\n\n".join(tables), plots)


async def _in_a_process(latency: int) -> list[Result]:
    """Start a process for a latency, with its own state: libraries keep the certificate that they trusted first."""
    command = (sys.executable, "-m", "tests.bench.peers.contest", str(latency))
    folder = str(Path(os.environ["LOCAL_FOLDER"]) / f"{latency} ms")
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env={**os.environ, "LOCAL_FOLDER": folder}
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the peers did not work with {latency} ms")
    return [Result(**one) for one in json.loads(output)]


async def _contest(latency: int) -> list[Result]:
    """Let everybody do the work of saved contacts, then read."""
    async with _stage(latency) as stage:
        saves = [
            await _connector(stage, latency),
            await _peer(stage, latency, FUNCTION, 1, message_by_message),
            await _peer(stage, latency, BATCHED, 2, batch_by_batch),
        ]
        assert len(await stage.spotler.contacts()) == 3 * _SAVES, "everybody has done the work"
        return [*saves, *await _reads(stage, latency)]


async def _connector(stage: Stage, latency: int) -> Result:
    """The whole connector: its host, queues and state store are in this process, and their time counts."""
    _, messages = await stage.saved(0)
    async with connector_host(port=0):
        queue = (await app.connector()).queue
        await settled()

        async def work() -> None:
            await queue.send(QueueName.EVENTS, messages)
            await settled()

        return await _measured(stage, latency, CONNECTOR, work)


async def _peer(stage: Stage, latency: int, who: str, number: int, act: Callable[..., Awaitable[None]]) -> Result:
    ids, _ = await stage.saved(number)
    async with connected(stage.addresses) as connections:
        return await _measured(stage, latency, who, lambda: act(ids, connections))


async def _measured(stage: Stage, latency: int, who: str, act: Callable[[], Awaitable[object]]) -> Result:
    before, began, own = await stage.requests(), time.perf_counter(), time.process_time()
    await act()
    seconds, processor = time.perf_counter() - began, time.process_time() - own
    print(f"{who}, {latency} ms: {seconds:.1f} s, {processor:.1f} s of the processor", file=sys.stderr, flush=True)
    return Result(who, latency, seconds, processor, await stage.requests() - before)


async def _reads(stage: Stage, latency: int) -> list[Result]:
    rows = (await stage.dynamics.read(f"contacts?$select=contactid&$top={_SAVES}"))["value"]
    ids = [row["contactid"] for row in rows]
    found: list[Result] = []
    async with readers(stage.addresses) as contenders:
        for who, read in contenders.items():
            await _all_read(read, ids[:2])  # what is read once, such as definitions of tables, is there from now on
            found.append(await _measured(stage, latency, who, lambda read=read: _all_read(read, ids)))
    return found


async def _all_read(read: Read, ids: Sequence[str]) -> None:
    assert await read(ids) == len(ids), "every contact is there"


def _figures(results: Sequence[Result], what: str) -> list[Figure]:
    """Return how many times longer and more often others ask than the connector."""
    ours = {one.latency: one for one in results if one.who == CONNECTOR}
    return [
        Figure(f"{what}, {one.latency} ms: {one.who}, {unit}", value)
        for one in results
        if one.who != CONNECTOR
        for unit, value in (
            ("time", one.seconds / ours[one.latency].seconds),
            ("processor time", one.processor / ours[one.latency].processor),
            ("requests", one.requests / ours[one.latency].requests),
        )
    ]


def _table(title: str, results: Sequence[Result]) -> str:
    ours = {one.latency: one for one in results if one.who == CONNECTOR}
    rows = [
        f"| {one.who} | {one.latency} ms | {one.seconds:.1f} | {one.processor:.1f} | {_SAVES / one.seconds:,.0f} "
        f"| {one.requests:,} | {one.seconds / ours[one.latency].seconds:.1f} "
        f"| {one.processor / ours[one.latency].processor:.1f} | {one.requests / ours[one.latency].requests:.1f} |"
        for one in results
    ]
    head = (
        f"| {title} | latency | seconds | of the processor | a second | requests "
        "| times our seconds | times our processor time | times our requests |"
    )
    return "\n".join([head, "|---|---|---|---|---|---|---|---|---|", *rows])


def _plot(title: str, results: Sequence[Result], measure: Callable[[Result], float]) -> str:
    who = [CONNECTOR, FUNCTION, BATCHED]
    latencies = dict.fromkeys(one.latency for one in results)
    groups = [
        (
            f"{latency} ms latency",
            [
                Bar(one.who, measure(one), f"{measure(one):,.4g}", who.index(one.who))
                for one in results
                if one.latency == latency
            ],
        )
        for latency in latencies
    ]
    return bars(title, "shorter is better", groups)


def _seconds(result: Result) -> float:
    return result.seconds


def _requests(result: Result) -> float:
    return result.requests


if __name__ == "__main__":
    print(json.dumps([asdict(one) for one in asyncio.run(_contest(int(sys.argv[1])))]))
