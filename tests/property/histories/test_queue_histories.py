"""Whatever happens to the embedded queue, in whatever order: nothing is lost, and nothing comes back once completed."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.adapters.messaging.sqlite import SqliteQueue
from shared.ports.queue import OutgoingMessage, QueueDepth, QueueName, ReceivedMessage
from tests.contract.clocks import ManualClock
from tests.examples import examples

QUEUES = (QueueName.LIVE, QueueName.BULK)
LOCK = timedelta(seconds=30)
DELIVERIES = 2

queues = st.sampled_from(QUEUES)


@dataclass
class Expected:
    """What the model knows of a message. Its number is its body and its correlation id."""

    number: int
    queue: QueueName
    visible_at: datetime
    deliveries: int = 0
    failures: int = 0
    held_by: int | None = None
    since: datetime = field(init=False)
    """When it was due first; receiving moves `visible_at`."""

    def __post_init__(self) -> None:
        self.since = self.visible_at


def redacted(_queue: QueueName, body: bytes) -> bytes:
    """Even numbers are safe to keep."""
    return body if int(body) % 2 == 0 else b""


class QueueHistories(RuleBasedStateMachine):
    """Two queues, any number of receivers that settle late, never, or after their locks have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folders = [Path(tempfile.mkdtemp())]
        self.clock = ManualClock()
        self.queue = self.opened()
        self.waiting: list[Expected] = []  # in the order of sequence
        self.dead: list[Expected] = []
        self.completed: set[int] = set()
        self.batches: list[tuple[int, QueueName, list[ReceivedMessage]]] = []
        self.count = 0
        self.receptions = 0

    def opened(self) -> SqliteQueue:
        return SqliteQueue(
            self.folders[-1] / "queue.db",
            clock=self.clock,
            redact=redacted,
            lock_duration=LOCK,
            max_delivery_count=DELIVERIES,
        )

    def teardown(self) -> None:
        self.runner.run(self.queue.close())
        self.runner.close()
        for folder in self.folders:
            shutil.rmtree(folder)

    # ---------------------------------------------------------------------------------------------------------- model

    def dead_letter_exhausted(self) -> None:
        """Only what was abandoned so often: no lock that ended by itself, no crash."""
        for message in [message for message in self.waiting if message.failures >= DELIVERIES]:
            self.waiting.remove(message)
            self.dead.append(message)

    def held(self, reception: int, chosen: list[ReceivedMessage]) -> list[Expected]:
        """Which of the chosen messages nobody else has received since."""
        numbers = {int(message.body) for message in chosen}
        return [message for message in self.waiting if message.number in numbers and message.held_by == reception]

    # ---------------------------------------------------------------------------------------------------------- rules

    @rule(queue=queues, delays=st.lists(st.sampled_from([None, -5, 0, 10, 60]), min_size=1, max_size=4))
    def send(self, queue: QueueName, delays: list[int | None]) -> None:
        now = self.clock.now()
        messages = []
        for delay in delays:
            due = None if delay is None else now + timedelta(seconds=delay)
            text = str(self.count)
            messages.append(OutgoingMessage(text.encode(), correlation_id=text, not_before=due))
            self.waiting.append(Expected(self.count, queue, max(now, due or now)))
            self.count += 1
        self.runner.run(self.queue.send(queue, messages))

    @rule(queue=queues, limit=st.integers(1, 4))
    def receive(self, queue: QueueName, limit: int) -> None:
        messages = self.runner.run(self.queue.receive(queue, limit=limit, wait=timedelta(0)))
        now = self.clock.now()
        ready = [message for message in self.waiting if message.queue is queue and message.visible_at <= now][:limit]
        self.receptions += 1
        for message in ready:
            message.deliveries += 1
            message.held_by = self.receptions
            message.visible_at = now + LOCK
        assert [(int(message.body), message.delivery_count) for message in messages] == [
            (message.number, message.deliveries) for message in ready
        ]
        if messages:
            self.batches.append((self.receptions, queue, list(messages)))

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), how=st.sampled_from(["complete", "abandon", "renew"]))
    def settle(self, data: st.DataObject, how: str) -> None:
        reception, queue, batch = data.draw(st.sampled_from(self.batches[-4:]))
        chosen = data.draw(st.lists(st.sampled_from(batch), min_size=1, unique_by=lambda message: message.body))
        held = self.held(reception, chosen)
        match how:
            case "complete":
                self.runner.run(self.queue.complete(queue, chosen))
                for message in held:
                    self.waiting.remove(message)
                    self.completed.add(message.number)
            case "abandon":
                self.runner.run(self.queue.abandon(queue, chosen))
                for message in held:
                    message.held_by = None
                    message.failures += 1
                    message.visible_at = self.clock.now()
                self.dead_letter_exhausted()
            case "renew":
                self.runner.run(self.queue.renew(queue, chosen))
                for message in held:
                    message.visible_at = self.clock.now() + LOCK

    @rule(seconds=st.sampled_from([1, 29, 30]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule()
    def crash(self) -> None:
        """Go on with what a killed process leaves on its disk: the files as they are, write-ahead log and all."""
        self.folders.append(Path(tempfile.mkdtemp()))
        shutil.copytree(self.folders[-2], self.folders[-1], dirs_exist_ok=True)
        self.runner.run(self.queue.close())
        self.queue = self.opened()

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        letters = self.runner.run(self.queue.dead_letters())
        chosen = data.draw(st.sets(st.sampled_from([letter.id for letter in letters]))) if letters else set()
        numbers = {int(letter.correlation_id) for letter in letters if letter.id in chosen and letter.body}
        assert self.runner.run(self.queue.replay(sorted(chosen))) == len(numbers)
        for dead in [dead for dead in self.dead if dead.number in numbers]:
            self.dead.remove(dead)
            self.waiting.append(Expected(dead.number, dead.queue, self.clock.now()))

    # ------------------------------------------------------------------------------------------------------ invariants

    @invariant()
    def every_message_is_waiting_dead_or_completed(self) -> None:
        for queue in QUEUES:
            mine = [message for message in self.waiting if message.queue is queue]
            later = [message for message in mine if message.held_by is None and message.visible_at > self.clock.now()]
            dead = sum(message.queue is queue for message in self.dead)
            oldest = min((message.since for message in mine if message not in later), default=None)
            expected = QueueDepth(len(mine) - len(later), len(later), dead, oldest)
            assert self.runner.run(self.queue.depth(queue)) == expected
        assert len(self.waiting) + len(self.dead) + len(self.completed) == self.count

    @invariant()
    def the_dead_keep_no_unsafe_body(self) -> None:
        letters = self.runner.run(self.queue.dead_letters())
        assert [int(letter.correlation_id) for letter in letters] == [dead.number for dead in self.dead]
        assert all(letter.body == redacted(letter.queue, letter.correlation_id.encode()) for letter in letters)


TestQueueHistories = QueueHistories.TestCase
TestQueueHistories.settings = settings(max_examples=examples(16), stateful_step_count=50, deadline=None)
