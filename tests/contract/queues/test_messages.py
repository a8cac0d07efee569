"""The contract of `Queue` and `QueueReceiver`: sending, locks, schedules, and the depth of a queue."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.ports.queue import OutgoingMessage, QueueName
from tests.contract.clocks import ManualClock
from tests.contract.queues.backends import (
    BULK,
    EVENTS,
    LIVE,
    AnyQueue,
    Backend,
    bodies,
    received,
    received_now,
)
from tests.contract.service_bus import LOCK

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_empty_queue_has_nothing_to_receive(queue: AnyQueue) -> None:
    assert list(await received_now(queue)) == []


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
    assert list(await received_now(queue, EVENTS)) == []
    assert bodies(await received(queue, BULK)) == [b"bulk"]
    assert bodies(await received(queue, LIVE)) == [b"live"]


async def test_a_locked_message_is_not_received_again_until_its_lock_ends(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    await received(queue)
    clock.advance(LOCK - timedelta(milliseconds=1))
    assert list(await received_now(queue)) == []
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
    assert list(await received_now(queue)) == []
    await queue.complete(LIVE, [again])
    clock.advance(LOCK)
    assert list(await received_now(queue)) == []


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
    assert list(await received_now(queue)) == []
    await queue.complete(LIVE, held)
    clock.advance(LOCK)
    assert list(await received_now(queue)) == []


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
    again = bodies(await received_now(queue))
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
