"""What the suites of the queue share: its backends, and how a message is received."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from shared.ports.queue import Queue, QueueName, QueueReceiver, ReceivedMessage
from tests.programs.times import LONGEST_WAIT

LIVE, BULK, EVENTS = QueueName.LIVE, QueueName.BULK, QueueName.EVENTS
AT_ONCE = timedelta(0)
OpenQueue = Callable[[], "AnyQueue"]


class AnyQueue(Queue, QueueReceiver, Protocol):
    """Both sides of a backend: what the app does, and what the host does."""


class Backend(StrEnum):
    """What holds the messages."""

    SQLITE = "sqlite"
    SERVICE_BUS = "service-bus"


HANDED_OVER_WITHIN = {Backend.SQLITE: 0.03, Backend.SERVICE_BUS: 0.5}
"""Seconds. The client of Service Bus waits for company for a fifth of a second after the first message."""


async def received(queue: AnyQueue, name: QueueName = LIVE, *, limit: int = 100) -> Sequence[ReceivedMessage]:
    """Receive messages that are there, however slowly they come."""
    return await queue.receive(name, limit=limit, wait=timedelta(seconds=LONGEST_WAIT))


async def received_now(queue: AnyQueue, name: QueueName = LIVE) -> Sequence[ReceivedMessage]:
    """Receive what comes at once: nothing where nothing is to come."""
    return await queue.receive(name, limit=100, wait=AT_ONCE)


def bodies(messages: Sequence[ReceivedMessage]) -> list[bytes]:
    return [message.body for message in messages]
