"""A twin of the queues: messages with a time before which nobody sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.ports.queue import DeadLetter, OutgoingMessage, QueueDepth, QueueName
from tests.contract.clocks import ManualClock
from tests.twins.faults import Faults, Twin
from tests.twins.numbers import Numbers


@dataclass(frozen=True)
class Waiting:
    """A message in a queue."""

    lane: QueueName
    message: OutgoingMessage
    number: int
    sent: datetime

    @property
    def due(self) -> datetime:
        return self.message.not_before or datetime.min.replace(tzinfo=UTC)


class TwinQueue(Twin):
    """All queues in one list; `dead` are the dead letters."""

    def __init__(self, clock: ManualClock, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.clock = clock
        self.waiting: list[Waiting] = []
        self.dead: list[DeadLetter] = []
        self._numbers = Numbers(1)

    def due(self) -> list[Waiting]:
        """Messages that a worker would receive now, oldest first."""
        return sorted((one for one in self.waiting if one.due <= self.clock.now()), key=lambda one: one.number)

    async def send(self, queue: QueueName, messages: Sequence[OutgoingMessage]) -> None:
        await self._begin("send")
        self.waiting += [Waiting(queue, message, next(self._numbers), self.clock.now()) for message in messages]
        await self.faults.pass_by()

    async def dead_letter(
        self, queue: QueueName, body: bytes, *, reason: str, description: str, correlation_id: str = ""
    ) -> None:
        await self._begin("dead_letter")
        identifier = str(next(self._numbers))
        self.dead.append(DeadLetter(identifier, queue, reason, description, body, correlation_id, self.clock.now()))

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        return self.dead[:limit]

    async def replay(self, identifiers: Sequence[str]) -> int:
        chosen = await self._take(identifiers)
        for letter in chosen:
            await self.send(letter.queue, [OutgoingMessage(letter.body)])
        return len(chosen)

    async def discard(self, identifiers: Sequence[str]) -> int:
        return len(await self._take(identifiers))

    async def collect_dead_lettered(self) -> Sequence[DeadLetter]:
        return []

    async def _take(self, identifiers: Sequence[str]) -> list[DeadLetter]:
        chosen = [letter for letter in self.dead if letter.id in identifiers]
        self.dead = [letter for letter in self.dead if letter not in chosen]
        return chosen

    async def depth(self, queue: QueueName) -> QueueDepth:
        here = [one for one in self.waiting if one.lane is queue]
        active = [one for one in here if one.due <= self.clock.now()]
        dead = [one for one in self.dead if one.queue is queue]
        oldest = min((max(one.due, one.sent) for one in active), default=None)
        return QueueDepth(len(active), len(here) - len(active), len(dead), oldest)
