"""A queue as Service Bus keeps it: schedules, locks, delivery counts, burial. No network; the clock is given."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from shared.ports.clock import Clock
from tests.broker.messages import Message

MAX_DELIVERY_COUNT_EXCEEDED = "MaxDeliveryCountExceeded"


@dataclass(slots=True)
class Held:
    """A message in a queue. Times are milliseconds since 1970."""

    message: Message
    sequence: int
    enqueued: int
    scheduled: int = 0
    failed_deliveries: int = 0
    lock: UUID | None = None
    locked_until: int = 0


@dataclass(slots=True)
class Queue:
    """Messages in order. The dead-letter sub-queue is a queue of its own, without one of its own."""

    name: str
    clock: Clock
    lock_duration: timedelta = timedelta(minutes=1)
    max_delivery_count: int = 10
    dead: Queue | None = None
    dead_letters_expired: bool = True
    messages: dict[int, Held] = field(default_factory=dict)
    locks: dict[UUID, int] = field(default_factory=dict)
    _ready: list[int] = field(default_factory=list)
    _last: int = 0

    def now(self) -> int:
        """The broker's time."""
        return round(self.clock.now().timestamp() * 1000)

    def put(self, message: Message, *, enqueued: int | None = None) -> None:
        """Take a message in; one with a time in the future waits for it."""
        due = message.scheduled_for
        now = self.now()
        self._add(message, enqueued=enqueued or now, scheduled=due if due > now else 0)

    def take(self) -> Held | None:
        """Lock the first message that is ready."""
        while self._ready:
            held = self.messages.get(heapq.heappop(self._ready))
            if held is not None:
                held.lock = uuid4()
                held.locked_until = self.now() + round(self.lock_duration.total_seconds() * 1000)
                self.locks[held.lock] = held.sequence
                return held
        return None

    def held(self, lock: UUID) -> Held | None:
        """Return what a lock holds; None once it has ended."""
        self.pass_time()
        sequence = self.locks.get(lock)
        return None if sequence is None else self.messages[sequence]

    def complete(self, held: Held) -> None:
        """Remove a locked message."""
        self._unlock(held)
        del self.messages[held.sequence]

    def release(self, held: Held) -> None:
        """Unlock without counting a failed delivery."""
        self._unlock(held)
        heapq.heappush(self._ready, held.sequence)

    def abandon(self, held: Held) -> None:
        """Unlock and count a failed delivery; too many of them dead-letter the message."""
        self._unlock(held)
        held.failed_deliveries += 1
        if self.dead is not None and held.failed_deliveries >= self.max_delivery_count:
            text = f"Message could not be consumed after {self.max_delivery_count} delivery attempts."
            self.dead_letter(held, MAX_DELIVERY_COUNT_EXCEEDED, text)
        else:
            heapq.heappush(self._ready, held.sequence)

    def dead_letter(self, held: Held, reason: str, description: str) -> None:
        """Move a message to the dead-letter sub-queue."""
        if held.lock is not None:
            self._unlock(held)
        del self.messages[held.sequence]
        if self.dead is not None:
            self.dead.put(held.message.dead_lettered(reason, description), enqueued=held.enqueued)

    def renew(self, held: Held) -> int:
        """Extend a lock; returns its new end."""
        held.locked_until = self.now() + round(self.lock_duration.total_seconds() * 1000)
        return held.locked_until

    def pass_time(self) -> None:
        """Let schedules come due and locks end."""
        now = self.now()
        for held in [one for one in self.messages.values() if one.lock is not None and one.locked_until <= now]:
            self.abandon(held)
        for held in [one for one in self.messages.values() if one.scheduled and one.scheduled <= now]:
            # A message that comes due is appended as if it were sent at that moment, with a new number.
            del self.messages[held.sequence]
            self._add(held.message, enqueued=held.scheduled, scheduled=0)

    @property
    def active(self) -> int:
        """How many are ready or locked."""
        return len(self.messages) - self.scheduled

    @property
    def scheduled(self) -> int:
        """How many wait for their time."""
        return sum(bool(held.scheduled) for held in self.messages.values())

    def _add(self, message: Message, *, enqueued: int, scheduled: int) -> None:
        self._last += 1
        self.messages[self._last] = Held(message, self._last, enqueued, scheduled)
        if not scheduled:
            heapq.heappush(self._ready, self._last)

    def _unlock(self, held: Held) -> None:
        if held.lock is not None:
            del self.locks[held.lock]
        held.lock = None
