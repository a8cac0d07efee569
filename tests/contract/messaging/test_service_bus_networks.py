"""What only Service Bus does: networks that break, locks that the service keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.adapters.messaging.servicebus import ServiceBusQueue
from shared.adapters.messaging.sqlite import EXHAUSTED
from shared.errors import TransientError
from shared.ports.queue import OutgoingMessage, QueueName
from tests.broker.broker import Broker
from tests.broker.faults import DETACH_FORCED, Act, Effect
from tests.broker.queues import Queue
from tests.contract.service_bus import DELIVERIES, LOCK, Stage, all_of, redacted
from tests.programs.times import LONGEST_WAIT

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    # The client leaves sockets to the garbage collector when opening fails.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LIVE, BULK, EVENTS = QueueName.LIVE, QueueName.BULK, QueueName.EVENTS
SOON = timedelta(seconds=3)
AT_ONCE = timedelta(0)

# What breaks between a client and the service.
Cut = Callable[[Broker], object]

CUTS: dict[str, Cut] = {
    "connection dropped": lambda broker: broker.drop_connections(),
    "connection closed": lambda broker: broker.close_connections(),
    "link detached": lambda broker: broker.detach_links(LIVE, DETACH_FORCED),
}


# -------------------------------------------------------------------------------------------------- networks that break


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
async def test_a_message_is_sent_after_the_connection_was_cut(
    queue: ServiceBusQueue, broker: Broker, live: Queue, cut: Cut
) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"before")])
    cut(broker)
    await queue.send(LIVE, [OutgoingMessage(b"after")])
    assert len(live.messages) == 2


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
async def test_a_waiting_receiver_outlives_a_cut(queue: ServiceBusQueue, stage: Stage, cut: Cut) -> None:
    waiting = asyncio.create_task(queue.receive(LIVE, limit=10, wait=timedelta(seconds=15)))
    await asyncio.sleep(0.3)
    cut(stage.broker)
    await stage.open().send(LIVE, [OutgoingMessage(b"a")])
    assert [message.body for message in await waiting] == [b"a"]


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
async def test_a_message_received_before_a_cut_can_be_completed_after_it(
    queue: ServiceBusQueue, broker: Broker, live: Queue, cut: Cut
) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"%d" % number) for number in range(3)])
    messages = await all_of(queue, 3)
    cut(broker)
    await queue.complete(LIVE, messages)
    assert not live.messages


async def test_the_lock_of_a_message_received_before_a_cut_can_be_renewed_after_it(
    queue: ServiceBusQueue, stage: Stage, live: Queue
) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    held = await all_of(queue, 1)
    stage.broker.drop_connections()
    stage.clock.advance(LOCK - timedelta(seconds=1))
    await queue.renew(LIVE, held)
    stage.clock.advance(LOCK - timedelta(seconds=1))
    assert await queue.receive(LIVE, limit=10, wait=AT_ONCE) == []
    await queue.complete(LIVE, held)
    assert not live.messages


async def test_a_cut_after_the_effect_sends_twice_and_loses_nothing(
    queue: ServiceBusQueue, broker: Broker, live: Queue
) -> None:
    broker.plan(Act.SEND, Effect.DROPPED_AFTER)
    await queue.send(LIVE, [OutgoingMessage(b"a", message_id="m-1")])
    assert {held.message.identifier for held in live.messages.values()} == {"m-1"}
    assert len(live.messages) == 2


async def test_a_cut_before_the_effect_sends_once(queue: ServiceBusQueue, broker: Broker, live: Queue) -> None:
    broker.plan(Act.SEND, Effect.DROPPED_BEFORE)
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    assert len(live.messages) == 1


@pytest.mark.parametrize("effect", [Effect.DROPPED_BEFORE, Effect.DROPPED_AFTER, Effect.DETACHED_BEFORE])
async def test_a_completion_that_is_cut_off_is_made_up_for(
    queue: ServiceBusQueue, broker: Broker, live: Queue, effect: Effect
) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a"), OutgoingMessage(b"b")])
    messages = await all_of(queue, 2)
    broker.plan(Act.SETTLE, effect, DETACH_FORCED)
    await queue.complete(LIVE, messages)
    assert not live.messages


async def test_a_broker_that_is_away_is_a_passing_fault_and_welcome_when_it_returns(stage: Stage) -> None:
    broker = Broker(clock=stage.clock)
    async with broker.running():
        queue = ServiceBusQueue.from_connection_string(broker.connection_string, redact=redacted)
        stage.opened.append(queue)
        await queue.send(LIVE, [OutgoingMessage(b"a")])
    with pytest.raises(TransientError):
        await queue.send(LIVE, [OutgoingMessage(b"b")])
    async with broker.running():
        await queue.send(LIVE, [OutgoingMessage(b"c")])
        assert [message.body for message in await all_of(queue, 2)] == [b"a", b"c"]


async def test_a_service_far_away_is_reached_however_short_the_wait(stage: Stage, broker: Broker) -> None:
    await stage.open().send(LIVE, [OutgoingMessage(b"a")])
    broker.latency = 0.15
    queue = stage.open()
    async with asyncio.timeout(LONGEST_WAIT):
        assert [message.body for message in await queue.receive(LIVE, limit=10, wait=SOON)] == [b"a"]


# ----------------------------------------------------------------------------------------------------- locks and counts


async def test_a_lost_lock_delivers_again_and_the_first_receiver_changes_nothing(
    queue: ServiceBusQueue, stage: Stage, live: Queue
) -> None:
    other = stage.open()
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    late = await all_of(queue, 1)
    stage.clock.advance(LOCK)
    [again] = await all_of(other, 1)
    assert (again.message_id, again.delivery_count) == (late[0].message_id, 2)
    await queue.complete(LIVE, late)
    assert len(live.messages) == 1
    await other.complete(LIVE, [again])
    assert not live.messages


async def test_one_lost_lock_of_a_batch_hinders_no_other(queue: ServiceBusQueue, stage: Stage, live: Queue) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"lost")])
    [lost] = await all_of(queue, 1)
    stage.clock.advance(LOCK)
    await queue.send(LIVE, [OutgoingMessage(b"kept")])
    batch = await all_of(queue, 2)
    await queue.complete(LIVE, [lost, *(message for message in batch if message.body == b"kept")])
    assert [held.message.payloads[0] for held in live.messages.values()] == [b"lost"]


async def test_a_renewal_of_a_lost_lock_hinders_no_other(queue: ServiceBusQueue, stage: Stage) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"lost")])
    lost = await all_of(queue, 1)
    stage.clock.advance(LOCK)
    await queue.send(LIVE, [OutgoingMessage(b"kept")])
    batch = await all_of(queue, 2)
    stage.clock.advance(LOCK - timedelta(seconds=1))
    await queue.renew(LIVE, [*lost, *(message for message in batch if message.body == b"kept")])
    stage.clock.advance(LOCK - timedelta(seconds=1))
    assert [message.body for message in await all_of(queue, 1)] == [b"lost"]


async def test_a_client_that_dies_leaves_its_messages_until_their_locks_end(stage: Stage) -> None:
    dying, successor = stage.open(), stage.open()
    await dying.send(LIVE, [OutgoingMessage(b"a")])
    await all_of(dying, 1)
    await dying.close()
    assert await successor.receive(LIVE, limit=10, wait=AT_ONCE) == []
    stage.clock.advance(LOCK)
    assert [message.body for message in await all_of(successor, 1)] == [b"a"]


async def test_closing_leaves_nothing_locked_that_nobody_received(stage: Stage) -> None:
    first, second = stage.open(), stage.open()
    await first.receive(LIVE, limit=10, wait=AT_ONCE)  # its link may still take ten
    await second.send(LIVE, [OutgoingMessage(b"a")])
    await first.close()
    [message] = await all_of(second, 1)
    assert message.delivery_count == 1


async def test_an_idle_receiver_does_not_keep_what_it_was_sent(stage: Stage) -> None:
    idle, busy = stage.open(), stage.open()
    await idle.receive(LIVE, limit=10, wait=AT_ONCE)
    await busy.send(LIVE, [OutgoingMessage(b"a")])
    assert [message.body for message in await all_of(busy, 1)] == [b"a"]


async def test_the_service_dead_letters_what_was_delivered_too_often_and_replay_puts_it_back(
    queue: ServiceBusQueue, live: Queue
) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"id:7", correlation_id="c-7")])
    for _ in range(DELIVERIES):
        await queue.abandon(LIVE, await all_of(queue, 1))
    [dead] = await queue.dead_letters()
    assert (dead.reason, dead.body, dead.correlation_id) == (EXHAUSTED, b"id:7", "c-7")
    assert (await queue.depth(LIVE)).dead == 1
    assert await queue.replay([dead.id]) == 1
    assert [(message.body, message.delivery_count) for message in await all_of(queue, 1)] == [(b"id:7", 1)]
    assert list(await queue.dead_letters()) == []
