"""Decorators of ports: spans around their calls, and a count of dead letters. Use cases do not depend on them."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

from shared.ports.queue import DeadLetter, OutgoingMessage, Queue, QueueDepth, QueueName
from shared.telemetry.signals import DEAD_LETTERED, record
from shared.telemetry.traces import phase

PortT = TypeVar("PortT")


class _Traced:
    """A decorated port: every asynchronous call has a span with the method's name."""

    def __init__(self, port: object, prefix: str) -> None:
        self._port = port
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not inspect.iscoroutinefunction(found):
            return found
        call = _in_span(found, f"{self._prefix} {name}")
        setattr(self, name, call)
        return call


def traced(port: PortT, prefix: str) -> PortT:
    """Return the port with spans around its calls: `crm read_people`."""
    return cast("PortT", _Traced(port, prefix))


def _in_span(method: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Awaitable[Any]]:
    async def call(*arguments: Any, **named: Any) -> Any:
        with phase(name):
            return await method(*arguments, **named)

    return call


class ObservedQueue:
    """Implements the port `Queue` over another one, with spans of sends and a count of dead letters."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def send(self, queue: QueueName, messages: Sequence[OutgoingMessage]) -> None:
        """Enqueue all or raise."""
        if not messages:
            return
        with phase("queue send", queue=queue, count=len(messages)):
            await self._queue.send(queue, messages)

    async def dead_letter(
        self, queue: QueueName, body: bytes, *, reason: str, description: str, correlation_id: str = ""
    ) -> None:
        """Dead-letter a copy of a message."""
        with phase("queue dead_letter", queue=queue, reason=reason):
            await self._queue.dead_letter(
                queue, body, reason=reason, description=description, correlation_id=correlation_id
            )
        record(DEAD_LETTERED, queue=queue, reason=reason)

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the oldest dead letters of all queues."""
        return await self._queue.dead_letters(limit=limit)

    async def replay(self, identifiers: Sequence[str]) -> int:
        """Send dead letters to their queues again; return how many."""
        with phase("queue replay", count=len(identifiers)):
            return await self._queue.replay(identifiers)

    async def discard(self, identifiers: Sequence[str]) -> int:
        """Delete dead letters; return how many."""
        return await self._queue.discard(identifiers)

    async def collect_dead_lettered(self) -> Sequence[DeadLetter]:
        """Move messages that the queue itself has dead-lettered to the dead letters."""
        moved = await self._queue.collect_dead_lettered()
        for letter in moved:
            record(DEAD_LETTERED, queue=letter.queue, reason=letter.reason)
        return moved

    async def depth(self, queue: QueueName) -> QueueDepth:
        """Count without reading bodies."""
        return await self._queue.depth(queue)

    async def ping(self) -> None:
        """Raise a ConnectorError if the queue cannot be used."""
        await self._queue.ping()

    async def close(self) -> None:
        """Release connections."""
        await self._queue.close()
