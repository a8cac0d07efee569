"""A small Service Bus for tests: AMQP and the Atom interface on one port of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from shared.composition.connections import SystemClock
from shared.ports.clock import Clock
from tests import certificates
from tests.broker.access import KEY_NAME
from tests.broker.administration import answer
from tests.broker.connection import Connection
from tests.broker.faults import Act, Effect, Fault, Faults
from tests.broker.queues import Queue

QUEUES = ("dataverse-events", "sync-live", "sync-bulk", "dead-letters")
DEAD_LETTER_SUFFIX = "/$DeadLetterQueue"

STANDARD_MESSAGE = 262_144

_BEAT = 0.02


class Broker:
    """Serves queues while its `async with` block runs."""

    def __init__(
        self,
        names: Iterable[str] = QUEUES,
        *,
        clock: Clock | None = None,
        lock_duration: timedelta = timedelta(minutes=1),
        max_delivery_count: int = 10,
        max_message_size: int = STANDARD_MESSAGE,
    ) -> None:
        self.clock = clock or SystemClock()
        self.queues: dict[str, Queue] = {}
        self.faults = Faults()
        self.latency = 0.0
        self.key = "dGVzdCBlcXVpcG1lbnQ="
        self.max_message_size = max_message_size
        self.port = 0
        self._connections: set[Connection] = set()
        for name in names:
            self.add(name, lock_duration=lock_duration, max_delivery_count=max_delivery_count)

    def add(self, name: str, *, lock_duration: timedelta, max_delivery_count: int) -> None:
        """Make a queue and its dead-letter sub-queue."""
        dead = Queue(name + DEAD_LETTER_SUFFIX, self.clock, lock_duration)
        self.queues[dead.name] = dead
        self.queues[name] = Queue(name, self.clock, lock_duration, max_delivery_count, dead)

    @property
    def connection_string(self) -> str:
        """What a client needs."""
        return (
            f"Endpoint=sb://127.0.0.1:{self.port};SharedAccessKeyName={KEY_NAME};SharedAccessKey={self.key};"
            "UseDevelopmentEmulator=true;"
        )

    # -------------------------------------------------------------------------------------------------- what goes wrong

    def plan(self, act: Act, effect: Effect, condition: str = "", *, entity: str = "", times: int = 1) -> None:
        """Let something go wrong the next time, or the next few."""
        self.faults.planned.append(Fault(act, effect, condition or Fault.condition, entity, times))

    def drop_connections(self) -> int:
        """Cut every connection; returns how many there were."""
        connections = list(self._connections)
        for connection in connections:
            connection.drop()
        return len(connections)

    def close_connections(self) -> None:
        """Close every connection in good order, as when the service moves to another machine."""
        for connection in list(self._connections):
            connection.end("amqp:connection:forced", "The connection was closed by the broker.")

    def detach_links(self, name: str, condition: str) -> int:
        """Close the links of a queue; returns how many there were."""
        links = [(connection, link) for connection in self._connections for link in connection.links(self.queues[name])]
        for connection, link in links:
            connection.detach(link, condition, "The link was closed by the broker.")
        return len(links)

    # -------------------------------------------------------------------------------------------------------- at work

    def pump(self, queue: Queue) -> None:
        """Hand out what is ready to whoever has credit, in turn."""
        queue.pass_time()
        takers = [(connection, link) for connection in self._connections for link in connection.links(queue)]
        while takers:
            takers = [(connection, link) for connection, link in takers if connection.offer(link)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Broker]:
        """Listen on a free port of this machine."""
        certificates.load_once_for_amqp()
        server = await asyncio.start_server(self._welcome, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        heart = asyncio.create_task(self._beat())
        try:
            yield self
        finally:
            heart.cancel()
            server.close()
            self.drop_connections()
            await server.wait_closed()
            with suppress(asyncio.CancelledError):
                await heart

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            for queue in self.queues.values():
                if queue.messages:
                    self.pump(queue)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            header = await reader.readexactly(8)
            if header.startswith(b"AMQP"):
                await connection.serve(header)
            else:
                await answer(self.queues, self.key, header, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._connections.discard(connection)
            writer.close()
