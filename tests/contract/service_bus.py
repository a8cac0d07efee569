"""Brokers with a client that is connected already, so that a test waits for nothing but what it is about."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.adapters.messaging.servicebus import ServiceBusQueue
from shared.ports.queue import QueueName, ReceivedMessage
from tests.broker.broker import Broker
from tests.contract.clocks import ManualClock
from tests.programs.times import LONGEST_WAIT

LOCK = timedelta(seconds=30)
DELIVERIES = 3


def redacted(queue: QueueName, body: bytes) -> bytes:
    """Keep what starts with `id:`; nothing else is known to be safe."""
    return body if body.startswith(b"id:") else b""


async def all_of(queue: ServiceBusQueue, count: int, name: QueueName = QueueName.LIVE) -> list[ReceivedMessage]:
    """Receive until there are as many as expected."""
    found: list[ReceivedMessage] = []
    async with asyncio.timeout(LONGEST_WAIT):
        while len(found) < count:
            found += await queue.receive(name, limit=count, wait=timedelta(seconds=1))
    return found


@dataclass
class Stage:
    """A broker of its own for one test, and clients of it. The first one is connected to the lane `sync-live`."""

    broker: Broker
    clock: ManualClock
    opened: list[ServiceBusQueue] = field(default_factory=list)
    _first: ServiceBusQueue | None = None

    async def connect(self) -> None:
        """Make the client that `open` hands out first."""
        self._first = self._new()
        await asyncio.gather(self._first.send(QueueName.LIVE, []), self._first.complete(QueueName.LIVE, []))

    def open(self) -> ServiceBusQueue:
        """Return a client, another one each time."""
        first, self._first = self._first, None
        return first or self._new()

    async def close(self) -> None:
        """Close every client."""
        await asyncio.gather(*(queue.close() for queue in self.opened))

    def _new(self) -> ServiceBusQueue:
        self.opened.append(ServiceBusQueue.from_connection_string(self.broker.connection_string, redact=redacted))
        return self.opened[-1]


class Stages:
    """Has the next stage ready while a test acts on the one before it: clients take a second to connect."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._used: list[Stage] = []
        self._coming = asyncio.create_task(self._set_up())

    async def next(self) -> Stage:
        """Return a stage that nobody has used."""
        stage = await self._coming
        self._coming = asyncio.create_task(self._set_up())
        return stage

    async def close(self) -> None:
        """Close what was used."""
        await self._coming
        await asyncio.gather(*(stage.close() for stage in self._used))

    async def _set_up(self) -> Stage:
        # The client compares the broker's times with the real time, so the broker's clock begins there.
        clock = ManualClock(datetime.now(UTC).replace(microsecond=0))
        broker = Broker(clock=clock, lock_duration=LOCK, max_delivery_count=DELIVERIES)
        await self._stack.enter_async_context(broker.running())
        stage = Stage(broker, clock)
        self._used.append(stage)
        await stage.connect()
        return stage


def collect_forgotten_sockets() -> None:
    """Collect the sockets that the client leaves behind when a connection breaks, before they trouble other tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@asynccontextmanager
async def running_stages() -> AsyncIterator[Stages]:
    """Set up stages while the block runs, and close all of them at its end."""
    async with AsyncExitStack() as stack:
        stages = Stages(stack)
        yield stages
        await stages.close()
    collect_forgotten_sockets()
