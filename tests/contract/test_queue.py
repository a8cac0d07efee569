"""The contract of `Queue` and `QueueReceiver`."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio

from shared.adapters.messaging.sqlite import EXHAUSTED, SqliteQueue
from shared.errors import ConfigurationError
from shared.ports.queue import OutgoingMessage, Queue, QueueName, QueueReceiver, ReceivedMessage
from tests.contract.clocks import ManualClock
from tests.contract.service_bus import DELIVERIES, LOCK, Stage, Stages, redacted

pytestmark = pytest.mark.asyncio(loop_scope="session")

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


@pytest.fixture(params=list(Backend))
def backend(request: pytest.FixtureRequest) -> Backend:
    return Backend(request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def stage(backend: Backend, stages: Stages) -> Stage | None:
    """A broker of this test alone, if it needs one."""
    return await stages.next() if backend is Backend.SERVICE_BUS else None


@pytest.fixture
def clock(stage: Stage | None) -> ManualClock:
    return stage.clock if stage is not None else ManualClock()


@pytest_asyncio.fixture(loop_scope="session")
async def open_queue(stage: Stage | None, tmp_path: Path, clock: ManualClock) -> AsyncIterator[OpenQueue]:
    """Opens the same queues as often as wanted, as several processes would."""
    opened: list[SqliteQueue] = []

    def open_one() -> AnyQueue:
        if stage is not None:
            return stage.open()
        path = tmp_path / "queue.db"
        queue = SqliteQueue(path, clock=clock, redact=redacted, lock_duration=LOCK, max_delivery_count=DELIVERIES)
        opened.append(queue)
        return queue

    yield open_one
    for queue in opened:
        await queue.close()


@pytest.fixture
def queue(open_queue: OpenQueue) -> AnyQueue:
    return open_queue()


async def received(queue: AnyQueue, name: QueueName = LIVE, *, limit: int = 100) -> Sequence[ReceivedMessage]:
    return await queue.receive(name, limit=limit, wait=AT_ONCE)


def bodies(messages: Sequence[ReceivedMessage]) -> list[bytes]:
    return [message.body for message in messages]


async def test_an_empty_queue_has_nothing_to_receive(queue: AnyQueue) -> None:
    assert list(await received(queue)) == []


async def test_nothing_to_send_or_settle_is_no_error(queue: AnyQueue) -> None:
    await queue.send(LIVE, [])
    await queue.complete(LIVE, [])
    await queue.abandon(LIVE, [])
    await queue.renew(LIVE, [])
    assert await queue.replay([]) == 0


async def test_a_message_arrives_as_it_was_sent(queue: AnyQueue, clock: ManualClock) -> None:
    sent = OutgoingMessage(
        b"\x00\xff {}",
        content_type="text/plain",
        properties={"attempt": "2", "é": "€"},
        message_id="m-1",
        correlation_id="c-1",
    )
    await queue.send(LIVE, [sent])
    [message] = await received(queue)
    assert (message.body, message.content_type, message.properties) == (sent.body, sent.content_type, sent.properties)
    assert (message.message_id, message.correlation_id) == ("m-1", "c-1")
    assert (message.delivery_count, message.enqueued_at) == (1, clock.now())


async def test_a_message_without_an_id_gets_one_of_its_own(queue: AnyQueue) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a"), OutgoingMessage(b"b")])
    first, second = await received(queue)
    assert first.message_id
    assert second.message_id not in {"", first.message_id}


async def test_messages_come_in_the_order_of_sending(queue: AnyQueue) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"1"), OutgoingMessage(b"2")])
    await queue.send(LIVE, [OutgoingMessage(b"3")])
    assert bodies(await received(queue, limit=2)) == [b"1", b"2"]
    assert bodies(await received(queue, limit=2)) == [b"3"]


async def test_queues_do_not_mix(queue: AnyQueue) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"live")])
    await queue.send(BULK, [OutgoingMessage(b"bulk")])
    assert list(await received(queue, EVENTS)) == []
    assert bodies(await received(queue, BULK)) == [b"bulk"]
    assert bodies(await received(queue, LIVE)) == [b"live"]


async def test_a_locked_message_is_not_received_again_until_its_lock_ends(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    await received(queue)
    clock.advance(LOCK - timedelta(milliseconds=1))
    assert list(await received(queue)) == []
    clock.advance(timedelta(milliseconds=1))
    [again] = await received(queue)
    assert (again.body, again.delivery_count) == (b"a", 2)


async def test_a_completed_message_never_comes_back(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a"), OutgoingMessage(b"b")])
    first, _ = await received(queue)
    await queue.complete(LIVE, [first])
    clock.advance(LOCK)
    assert bodies(await received(queue)) == [b"b"]


async def test_completing_with_a_lost_lock_is_no_error_and_has_no_effect(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    late = await received(queue)
    clock.advance(LOCK)
    [again] = await received(queue)
    await queue.complete(LIVE, late)
    await queue.abandon(LIVE, late)
    assert list(await received(queue)) == []
    await queue.complete(LIVE, [again])
    clock.advance(LOCK)
    assert list(await received(queue)) == []


async def test_an_abandoned_message_comes_again_at_once_and_in_its_old_place(queue: AnyQueue) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a"), OutgoingMessage(b"b")])
    [first] = await received(queue, limit=1)
    await queue.abandon(LIVE, [first])
    assert [(message.body, message.delivery_count) for message in await received(queue)] == [(b"a", 2), (b"b", 1)]


async def test_a_renewed_lock_holds_longer(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    held = await received(queue)
    clock.advance(LOCK - timedelta(seconds=1))
    await queue.renew(LIVE, held)
    clock.advance(LOCK - timedelta(seconds=1))
    assert list(await received(queue)) == []
    await queue.complete(LIVE, held)
    clock.advance(LOCK)
    assert list(await received(queue)) == []


async def test_a_lost_lock_cannot_be_renewed(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    late = await received(queue)
    clock.advance(LOCK)
    [_] = await received(queue)
    clock.advance(LOCK / 2)
    await queue.renew(LIVE, late)
    clock.advance(LOCK / 2)
    assert bodies(await received(queue)) == [b"a"]


@pytest.mark.parametrize("how", ["complete", "abandon", "renew"])
async def test_a_message_that_nobody_else_has_received_can_be_settled_after_its_lock(
    queue: AnyQueue, backend: Backend, clock: ManualClock, how: str
) -> None:
    """In the embedded queue: a machine that was asleep need not do the work again. Service Bus refuses."""
    await queue.send(LIVE, [OutgoingMessage(b"id:7")])
    late = await received(queue)
    clock.advance(LOCK)
    await getattr(queue, how)(LIVE, late)
    again = bodies(await received(queue))
    match backend, how:
        case (Backend.SERVICE_BUS, _) | (_, "abandon"):
            assert again == [b"id:7"]
        case _:
            assert again == []


async def test_a_scheduled_message_waits_for_its_time(queue: AnyQueue, clock: ManualClock) -> None:
    due = clock.now() + timedelta(minutes=5)
    await queue.send(LIVE, [OutgoingMessage(b"later", not_before=due), OutgoingMessage(b"now")])
    assert bodies(await received(queue)) == [b"now"]
    clock.advance(timedelta(minutes=5))
    assert b"later" in bodies(await received(queue))


async def test_a_schedule_in_the_past_is_due(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a", not_before=clock.now() - timedelta(days=1))])
    assert bodies(await received(queue)) == [b"a"]


async def test_a_message_that_is_never_completed_is_dead_lettered_with_a_reason(
    queue: AnyQueue, clock: ManualClock
) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"id:7", correlation_id="c-7"), OutgoingMessage(b"other")])
    for delivery in range(1, DELIVERIES + 1):
        bad, good = await received(queue)
        assert bad.delivery_count == delivery
        await queue.abandon(LIVE, [bad])
        if delivery < DELIVERIES:
            await queue.abandon(LIVE, [good])
        else:
            await queue.complete(LIVE, [good])
    assert list(await received(queue)) == []
    [dead] = await queue.dead_letters()
    assert (dead.queue, dead.reason, dead.body, dead.correlation_id) == (LIVE, EXHAUSTED, b"id:7", "c-7")
    assert dead.description
    assert dead.dead_since == clock.now()


async def test_locks_that_end_by_themselves_are_no_sign_of_poison(
    queue: AnyQueue, backend: Backend, clock: ManualClock
) -> None:
    """Their worker was killed, or slow. Service Bus counts that as a failure, and dead-letters."""
    await queue.send(LIVE, [OutgoingMessage(b"id:7")])
    for delivery in range(1, DELIVERIES + 1):
        [message] = await received(queue)
        assert (message.body, message.delivery_count) == (b"id:7", delivery)
        clock.advance(LOCK)
    again = bodies(await received(queue))
    dead = [letter.body for letter in await queue.dead_letters()]
    match backend:
        case Backend.SQLITE:
            assert (again, dead) == ([b"id:7"], [])
        case Backend.SERVICE_BUS:
            assert (again, dead) == ([], [b"id:7"])


async def test_a_replayed_message_may_fail_as_often_as_a_new_one(queue: AnyQueue) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"id:7")])
    for _ in range(DELIVERIES):
        await queue.abandon(LIVE, await received(queue))
    [dead] = await queue.dead_letters()
    await queue.replay([dead.id])
    for _ in range(DELIVERIES):
        assert list(await queue.dead_letters()) == []
        await queue.abandon(LIVE, await received(queue))
    assert [again.body for again in await queue.dead_letters()] == [b"id:7"]


async def test_a_received_message_tells_how_long_its_lock_lasts(queue: AnyQueue) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    [message] = await received(queue)
    assert timedelta() < message.locked_for <= LOCK


async def test_a_message_that_was_delivered_too_often_keeps_no_personal_data(
    queue: AnyQueue, clock: ManualClock
) -> None:
    await queue.send(EVENTS, [OutgoingMessage(b'{"emailaddress1": "anna@example.org"}', correlation_id="c-1")])
    for _ in range(DELIVERIES):
        await queue.abandon(EVENTS, await received(queue, EVENTS))
    [dead] = await queue.dead_letters()
    assert (dead.queue, dead.body, dead.correlation_id) == (EVENTS, b"", "c-1")


async def test_messages_that_the_queue_dead_lettered_are_collected_and_can_be_replayed(queue: AnyQueue) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"id:7", correlation_id="c-7")])
    await queue.send(EVENTS, [OutgoingMessage(b"id:8")])
    for name in (LIVE, EVENTS):
        for _ in range(DELIVERIES):
            await queue.abandon(name, await received(queue, name))

    await queue.collect_dead_lettered()

    letters = {letter.queue: letter for letter in await queue.dead_letters()}
    assert {name: (one.reason, one.body) for name, one in letters.items()} == {
        LIVE: (EXHAUSTED, b"id:7"),
        EVENTS: (EXHAUSTED, b"id:8"),
    }
    assert letters[LIVE].correlation_id == "c-7"
    assert (await queue.depth(LIVE)).dead == 1
    assert await queue.collect_dead_lettered() == []
    assert await queue.replay([letters[LIVE].id]) == 1
    [again] = await received(queue)
    assert (again.body, again.delivery_count) == (b"id:7", 1)


async def test_the_app_dead_letters_a_copy_and_the_original_stays(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"id:1")])
    [message] = await received(queue)
    await queue.dead_letter(LIVE, message.body, reason="Poison", description="no record", correlation_id="c-1")
    [dead] = await queue.dead_letters()
    assert (dead.queue, dead.reason, dead.description) == (LIVE, "Poison", "no record")
    assert (dead.body, dead.correlation_id, dead.dead_since) == (b"id:1", "c-1", clock.now())
    clock.advance(LOCK)
    assert bodies(await received(queue)) == [b"id:1"]


async def test_dead_letters_are_listed_oldest_first_over_all_queues(queue: AnyQueue, clock: ManualClock) -> None:
    for number, name in enumerate([LIVE, EVENTS, BULK, LIVE]):
        await queue.dead_letter(name, f"id:{number}".encode(), reason="r", description="d")
        clock.advance(timedelta(seconds=1))
    assert [dead.body for dead in await queue.dead_letters()] == [b"id:0", b"id:1", b"id:2", b"id:3"]
    assert [dead.body for dead in await queue.dead_letters(limit=2)] == [b"id:0", b"id:1"]


async def test_replay_sends_a_dead_letter_back_where_it_came_from(queue: AnyQueue) -> None:
    await queue.dead_letter(BULK, b"id:1", reason="r", description="d", correlation_id="c-1")
    await queue.dead_letter(LIVE, b"id:2", reason="r", description="d")
    first, second = await queue.dead_letters()
    assert await queue.replay([first.id]) == 1
    [message] = await received(queue, BULK)
    assert (message.body, message.correlation_id, message.delivery_count) == (b"id:1", "c-1", 1)
    assert [dead.id for dead in await queue.dead_letters()] == [second.id]
    assert await queue.replay([first.id]) == 0


async def test_replay_skips_what_has_no_body_and_what_it_does_not_know(queue: AnyQueue) -> None:
    await queue.dead_letter(EVENTS, b"", reason="r", description="d")
    [dead] = await queue.dead_letters()
    assert await queue.replay([dead.id, "987654", "nonsense", "", "-1", "²"]) == 0
    assert list(await queue.dead_letters()) == [dead]
    assert list(await received(queue, EVENTS)) == []


async def test_a_dead_letter_can_be_discarded_for_good(queue: AnyQueue) -> None:
    await queue.dead_letter(EVENTS, b"", reason="r", description="d")
    await queue.dead_letter(LIVE, b"id:1", reason="r", description="d")
    first, second = await queue.dead_letters()
    assert await queue.discard([first.id, "nonsense"]) == 1
    assert list(await queue.dead_letters()) == [second]


async def test_depth_tells_since_when_the_oldest_message_is_due(queue: AnyQueue, clock: ManualClock) -> None:
    first = clock.now()
    assert (await queue.depth(LIVE)).oldest is None
    await queue.send(LIVE, [OutgoingMessage(b"later", not_before=first + timedelta(minutes=2))])
    assert (await queue.depth(LIVE)).oldest is None

    clock.advance(timedelta(minutes=1))
    await queue.send(LIVE, [OutgoingMessage(b"now")])
    assert (await queue.depth(LIVE)).oldest == first + timedelta(minutes=1)
    (locked,) = await received(queue)
    assert (await queue.depth(LIVE)).oldest == first + timedelta(minutes=1)
    await queue.complete(LIVE, [locked])

    clock.advance(timedelta(minutes=1))
    assert (await queue.depth(LIVE)).oldest == first + timedelta(minutes=2)
    assert (await queue.depth(BULK)).oldest is None


async def test_depth_counts_ready_and_locked_scheduled_and_dead(queue: AnyQueue, clock: ManualClock) -> None:
    async def counts(name: QueueName) -> tuple[int, int, int]:
        depth = await queue.depth(name)
        return depth.active, depth.scheduled, depth.dead

    due = clock.now() + timedelta(minutes=5)
    await queue.send(LIVE, [OutgoingMessage(b"a"), OutgoingMessage(b"b"), OutgoingMessage(b"c", not_before=due)])
    await received(queue, limit=1)
    await queue.dead_letter(LIVE, b"id:1", reason="r", description="d")
    assert await counts(LIVE) == (2, 1, 1)
    assert await counts(BULK) == (0, 0, 0)
    clock.advance(timedelta(minutes=5))
    assert await counts(LIVE) == (3, 0, 1)


async def test_no_message_is_locked_by_two_receivers(open_queue: OpenQueue) -> None:
    sender, *receivers = (open_queue() for _ in range(5))
    await sender.send(LIVE, [OutgoingMessage(b"%d" % number) for number in range(200)])
    found: list[bytes] = []

    async def drain(receiver: AnyQueue) -> None:
        while len(found) < 200:
            batch = await receiver.receive(LIVE, limit=7, wait=AT_ONCE)
            found.extend(bodies(batch))

    async with asyncio.timeout(20):
        await asyncio.gather(*(drain(receiver) for receiver in receivers))
    assert sorted(int(body) for body in found) == list(range(200))


async def test_a_waiting_receiver_wakes_when_this_process_sends(queue: AnyQueue) -> None:
    waiting = asyncio.create_task(queue.receive(LIVE, limit=10, wait=timedelta(seconds=20)))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    assert bodies(await asyncio.wait_for(waiting, 5)) == [b"a"]


async def test_a_message_is_handed_over_quickly(queue: AnyQueue, backend: Backend) -> None:
    delays: list[float] = []
    for _ in range(7):
        waiting = asyncio.create_task(queue.receive(LIVE, limit=10, wait=timedelta(seconds=20)))
        await asyncio.sleep(0.01)
        began = time.monotonic()
        await queue.send(LIVE, [OutgoingMessage(b"a")])
        await waiting
        delays.append(time.monotonic() - began)
    assert statistics.median(delays) < HANDED_OVER_WITHIN[backend]


async def test_a_waiting_receiver_sees_what_another_process_sends(open_queue: OpenQueue) -> None:
    waiting = asyncio.create_task(open_queue().receive(LIVE, limit=10, wait=timedelta(seconds=20)))
    await asyncio.sleep(0.1)
    await open_queue().send(LIVE, [OutgoingMessage(b"a")])
    assert bodies(await asyncio.wait_for(waiting, 5)) == [b"a"]


async def test_a_waiting_receiver_sees_a_schedule_come_due(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a", not_before=clock.now() + timedelta(minutes=1))])
    waiting = asyncio.create_task(queue.receive(LIVE, limit=10, wait=timedelta(seconds=20)))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    clock.advance(timedelta(minutes=1))
    assert bodies(await asyncio.wait_for(waiting, 5)) == [b"a"]


async def test_waiting_ends_without_a_message(queue: AnyQueue) -> None:
    began = time.monotonic()
    assert list(await queue.receive(LIVE, limit=10, wait=timedelta(seconds=0.2))) == []
    assert time.monotonic() - began >= 0.2


async def test_a_receiver_that_is_cancelled_leaves_the_queue_usable(queue: AnyQueue) -> None:
    for pause in (0, 0.0005, 0.001, 0.002, 0.004, 0.06):
        waiting = asyncio.create_task(queue.receive(BULK, limit=10, wait=timedelta(seconds=20)))
        await asyncio.sleep(pause)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    assert bodies(await received(queue)) == [b"a"]


async def test_a_thousand_messages_pass_in_a_few_calls(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"%d" % number) for number in range(1000)])
    messages: list[ReceivedMessage] = []
    while batch := await received(queue, limit=1000 - len(messages) or 1):
        messages += batch
    assert bodies(messages) == [b"%d" % number for number in range(1000)]
    await queue.complete(LIVE, messages)
    clock.advance(LOCK)
    assert list(await received(queue)) == []


async def test_messages_survive_the_end_of_a_process(open_queue: OpenQueue) -> None:
    before = open_queue()
    await before.send(LIVE, [OutgoingMessage(b"a")])
    await before.close()
    assert bodies(await received(open_queue())) == [b"a"]


async def test_ping_is_silent_where_the_queue_works(queue: AnyQueue) -> None:
    await queue.ping()


async def test_ping_tells_that_the_file_cannot_be_used(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "folder.db").mkdir()
    queue = SqliteQueue(tmp_path / "folder.db", clock=clock, redact=redacted)
    with pytest.raises(ConfigurationError):
        await queue.ping()
