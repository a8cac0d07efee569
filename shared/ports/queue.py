"""Messages: sending, burying, receiving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable


class QueueName(StrEnum):
    """The queues of the connector."""

    EVENTS = "dataverse-events"
    LIVE = "sync-live"
    BULK = "sync-bulk"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send; `not_before` schedules it."""

    body: bytes
    content_type: str = "application/json"
    properties: Mapping[str, str] = field(default_factory=dict)
    message_id: str = ""
    correlation_id: str = ""
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A locked message. `settlement` is the backend's own handle for complete, abandon, renew.

    `delivery_count` is 1 the first time. `locked_for` is how long its lock lasts from its receipt, or from a renewal.
    """

    body: bytes
    content_type: str
    properties: Mapping[str, str]
    message_id: str
    correlation_id: str
    delivery_count: int
    enqueued_at: datetime
    sequence_number: int
    settlement: str
    locked_for: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that nobody will try again by itself. Its body names records, never people."""

    id: str
    queue: QueueName
    reason: str
    description: str
    body: bytes
    correlation_id: str
    dead_since: datetime


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How much waits in a queue: ready or locked, scheduled for later, dead.

    `oldest` is since when the oldest of the first kind has been due; None if there is none. `problem` says what is
    wrong with the settings of the queue itself.
    """

    active: int
    scheduled: int
    dead: int
    oldest: datetime | None = None
    problem: str = ""


class Queue(Protocol):
    """What the app itself does with queues: send, bury, look, replay."""

    async def send(self, queue: QueueName, messages: Sequence[OutgoingMessage]) -> None:
        """Enqueue all or raise; batches are the backend's business."""
        ...

    async def dead_letter(
        self, queue: QueueName, body: bytes, *, reason: str, description: str, correlation_id: str = ""
    ) -> None:
        """Bury a copy of a message of `queue`. `body` must be free of values of people; empty if there is no safe one.

        The caller completes the original afterwards: a crash in between buries twice, never loses.
        """
        ...

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Oldest first, all queues."""
        ...

    async def replay(self, identifiers: Sequence[str]) -> int:
        """Send dead letters that have a body back to the queue they came from; returns how many."""
        ...

    async def discard(self, identifiers: Sequence[str]) -> int:
        """Forget dead letters; returns how many."""
        ...

    async def collect_dead_lettered(self) -> Sequence[DeadLetter]:
        """Move what the queue itself has buried to the dead letters, without personal data; returns what was moved.

        What remains of a message of Dataverse names its rows and can be replayed. A crash in between buries twice.
        """
        ...

    async def depth(self, queue: QueueName) -> QueueDepth:
        """Count without reading bodies."""
        ...

    async def ping(self) -> None:
        """Raise a ConnectorError if the queue cannot be used."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class QueueReceiver(Protocol):
    """The consuming side: what a functions host does. The app never calls it."""

    async def receive(self, queue: QueueName, *, limit: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        """Lock up to `limit` messages, waiting at most `wait` for the first one."""
        ...

    async def complete(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Remove what was received; a lost lock is no error (the message comes again).

        The lock is lost at its end, or, in the embedded queue, when somebody else has received the message since.
        """
        ...

    async def abandon(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Unlock for immediate redelivery; bury what has failed too often.

        Each backend counts abandoned deliveries. Service Bus counts locks that ended by themselves as well.
        """
        ...

    async def renew(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Extend the locks."""
        ...
