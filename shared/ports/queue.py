"""The ports of the queues: sending, dead-lettering, receiving."""

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
    """A locked message. `settlement` is the backend's handle for complete, abandon and renew.

    `delivery_count` is 1 at the first delivery. `locked_for` is how long its lock lasts from its receipt, or from a
    renewal.
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
    """A message that is not retried automatically. Its body names records, never people.

    `description` is a phrase where the connector wrote it, and the broker's or an earlier version's own text otherwise.
    """

    id: str
    queue: QueueName
    reason: str
    description: str
    body: bytes
    correlation_id: str
    dead_since: datetime


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """The numbers of messages in a queue: ready or locked, scheduled, dead.

    `oldest` is the time since when the oldest ready message has been due; None if there is none. `problem` describes
    what is wrong with the settings of the queue, as a phrase.
    """

    active: int
    scheduled: int
    dead: int
    oldest: datetime | None = None
    problem: str = ""


class Queue(Protocol):
    """The queue operations of the app: send, dead-letter, inspect, replay."""

    async def send(self, queue: QueueName, messages: Sequence[OutgoingMessage]) -> None:
        """Enqueue all messages or raise; the backend makes batches."""

    async def dead_letter(
        self, queue: QueueName, body: bytes, *, reason: str, description: str, correlation_id: str = ""
    ) -> None:
        """Dead-letter a copy of a message of `queue`.

        `body` must be free of personal data; empty if there is no such body. A phrase as `description` keeps its
        template and values.

        The caller completes the original afterwards: a crash in between makes two copies, but loses none.
        """

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the dead letters of all queues, oldest first."""

    async def replay(self, identifiers: Sequence[str]) -> int:
        """Send dead letters that have a body back to their queue; returns how many."""

    async def discard(self, identifiers: Sequence[str]) -> int:
        """Delete dead letters; returns how many."""

    async def collect_dead_lettered(self) -> Sequence[DeadLetter]:
        """Move messages that the queue itself has dead-lettered to the dead letters, without personal data.

        Returns the moved messages. The rest of a Dataverse message names its rows and can be replayed. A crash in
        between makes two copies.
        """

    async def depth(self, queue: QueueName) -> QueueDepth:
        """Count without reading bodies."""

    async def ping(self) -> None:
        """Raise a ConnectorError if the queue cannot be used."""

    async def close(self) -> None:
        """Release connections."""


@runtime_checkable
class QueueReceiver(Protocol):
    """The consuming side, for a functions host. The app never calls it."""

    async def receive(self, queue: QueueName, *, limit: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        """Lock up to `limit` messages, waiting at most `wait` for the first one."""

    async def complete(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Remove received messages; a lost lock is no error (the message is delivered again).

        A lock is lost at its end or, in the embedded queue, when another receiver has received the message since.
        """

    async def abandon(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Unlock for immediate redelivery; dead-letter messages that have failed too often.

        Each backend counts abandoned deliveries. Service Bus counts locks that ended by themselves as well.
        """

    async def renew(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Extend the locks."""
