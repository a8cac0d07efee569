"""What only Service Bus does: networks that break, locks of the service, limits, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
import pytest_asyncio

from shared.errors import ConfigurationError, ConnectorError, DataError, Service, ThrottledError, TransientError
from shared.messaging.servicebus import ServiceBusQueue
from shared.messaging.sqlite import EXHAUSTED
from shared.ports import OutgoingMessage, QueueName, ReceivedMessage
from tests.broker.broker import Broker
from tests.broker.faults import DETACH_FORCED, ENTITY_DISABLED, RESOURCE_LIMIT_EXCEEDED, SERVER_BUSY, Act, Effect
from tests.broker.queues import Queue
from tests.contract.service_bus import DELIVERIES, LOCK, Stage, Stages, redacted, running_stages

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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stages() -> AsyncIterator[Stages]:
    async with running_stages() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(stages: Stages) -> Stage:
    return await stages.next()


@pytest.fixture
def broker(stage: Stage) -> Broker:
    return stage.broker


@pytest.fixture
def queue(stage: Stage) -> ServiceBusQueue:
    return stage.open()


@pytest.fixture
def live(broker: Broker) -> Queue:
    return broker.queues[LIVE]


async def all_of(queue: ServiceBusQueue, count: int, name: QueueName = LIVE) -> list[ReceivedMessage]:
    """Receive until there are as many as expected."""
    found: list[ReceivedMessage] = []
    async with asyncio.timeout(15):
        while len(found) < count:
            found += await queue.receive(name, limit=count, wait=timedelta(seconds=1))
    return found


# -------------------------------------------------------------------------------------------------- networks that break


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
async def test_sending_goes_on_after_a_cut(queue: ServiceBusQueue, broker: Broker, live: Queue, cut: Cut) -> None:
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
async def test_what_was_received_before_a_cut_can_be_completed_after_it(
    queue: ServiceBusQueue, broker: Broker, live: Queue, cut: Cut
) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"%d" % number) for number in range(3)])
    messages = await all_of(queue, 3)
    cut(broker)
    await queue.complete(LIVE, messages)
    assert not live.messages


async def test_what_was_received_before_a_cut_can_be_renewed_after_it(
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
    async with asyncio.timeout(20):
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
    dying, heir = stage.open(), stage.open()
    await dying.send(LIVE, [OutgoingMessage(b"a")])
    await all_of(dying, 1)
    await dying.close()
    assert await heir.receive(LIVE, limit=10, wait=AT_ONCE) == []
    stage.clock.advance(LOCK)
    assert [message.body for message in await all_of(heir, 1)] == [b"a"]


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


async def test_the_service_buries_what_was_delivered_too_often_and_replay_puts_it_back(
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


# --------------------------------------------------------------------------------------------------- limits of the size


async def test_a_burst_beyond_the_size_of_a_batch_goes_in_several(
    queue: ServiceBusQueue, broker: Broker, live: Queue
) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"%04d" % number + b"x" * 20_000) for number in range(40)])
    bodies = [held.message.payloads[0] for held in live.messages.values()]
    assert [int(body[:4]) for body in bodies] == list(range(40))
    assert 3 < broker.faults.counted[Act.SEND, LIVE] < 8


async def test_large_messages_come_whole_in_many_frames(queue: ServiceBusQueue) -> None:
    body = bytes(range(256)) * 900
    await queue.send(LIVE, [OutgoingMessage(body)])
    assert [message.body for message in await all_of(queue, 1)] == [body]


async def test_a_message_that_no_queue_takes_is_its_owners_fault(queue: ServiceBusQueue, live: Queue) -> None:
    with pytest.raises(DataError, match="too large"):
        await queue.send(LIVE, [OutgoingMessage(b"a"), OutgoingMessage(b"x" * 300_000)])
    await queue.send(LIVE, [OutgoingMessage(b"b")])
    assert [held.message.payloads[0] for held in live.messages.values()] == [b"a", b"b"]


# ------------------------------------------------------------------------------------------------------------- refusals


async def test_a_busy_service_is_asked_again(queue: ServiceBusQueue, broker: Broker, live: Queue) -> None:
    broker.plan(Act.SEND, Effect.REFUSED, SERVER_BUSY)
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    assert len(live.messages) == 1


@pytest.mark.parametrize("condition", [SERVER_BUSY, RESOURCE_LIMIT_EXCEEDED])
async def test_a_service_that_stays_busy_asks_for_patience(
    queue: ServiceBusQueue, broker: Broker, live: Queue, condition: str
) -> None:
    broker.plan(Act.SEND, Effect.REFUSED, condition, times=100)
    with pytest.raises(ThrottledError) as caught:
        await queue.send(LIVE, [OutgoingMessage(b"a")])
    assert caught.value.service is Service.QUEUE
    assert caught.value.retry_after >= timedelta(seconds=1)
    broker.faults.planned.clear()
    await queue.send(LIVE, [OutgoingMessage(b"b")])
    assert len(live.messages) == 1


async def test_a_busy_service_does_not_lose_a_renewal_or_a_look(queue: ServiceBusQueue, broker: Broker) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    held = await all_of(queue, 1)
    broker.plan(Act.MANAGE, Effect.REFUSED, SERVER_BUSY, entity=LIVE)
    await queue.renew(LIVE, held)
    await queue.dead_letter(LIVE, b"id:1", reason="r", description="d")
    broker.plan(Act.MANAGE, Effect.REFUSED, SERVER_BUSY, entity="dead-letters")
    assert [dead.body for dead in await queue.dead_letters()] == [b"id:1"]


CALLS: dict[str, Callable[[ServiceBusQueue], Awaitable[object]]] = {
    "send": lambda queue: queue.send(BULK, [OutgoingMessage(b"a")]),
    "receive": lambda queue: queue.receive(BULK, limit=1, wait=AT_ONCE),
    "ping": lambda queue: queue.ping(),
    "depth": lambda queue: queue.depth(BULK),
    "dead letters": lambda queue: queue.dead_letters(),
}


async def refusals(queue: ServiceBusQueue) -> dict[str, ConfigurationError]:
    """Do everything at once and return what each call says."""
    said = await asyncio.gather(*(call(queue) for call in CALLS.values()), return_exceptions=True)
    return {name: error for name, error in zip(CALLS, said, strict=True) if isinstance(error, ConfigurationError)}


async def test_a_missing_queue_is_named_whatever_is_asked(queue: ServiceBusQueue, broker: Broker) -> None:
    del broker.queues[BULK], broker.queues[f"{BULK}/$DeadLetterQueue"]
    said = await refusals(queue)
    assert said.keys() == CALLS.keys()
    assert all("sync-bulk is missing" in str(error) for error in said.values())


async def test_ping_notices_what_went_wrong_since_the_last_one(queue: ServiceBusQueue, broker: Broker) -> None:
    await queue.ping()
    del broker.queues["dead-letters"]
    with pytest.raises(ConfigurationError, match="dead-letters is missing"):
        await queue.ping()


async def test_a_disabled_queue_is_named(queue: ServiceBusQueue, broker: Broker) -> None:
    broker.plan(Act.ATTACH, Effect.REFUSED, ENTITY_DISABLED, entity=BULK, times=100)
    with pytest.raises(ConfigurationError, match="sync-bulk is disabled"):
        await queue.send(BULK, [OutgoingMessage(b"a")])


async def test_a_wrong_key_is_told_without_quoting_it_whatever_is_asked(stage: Stage, broker: Broker) -> None:
    wrong = broker.connection_string.replace(broker.key, "d3Jvbmc=")
    queue = ServiceBusQueue.from_connection_string(wrong, redact=redacted)
    stage.opened.append(queue)
    said = await refusals(queue)
    assert said.keys() == CALLS.keys()
    assert {error.service for error in said.values()} == {Service.QUEUE}
    assert not any("d3Jvbmc=" in str(error) for error in said.values())


# --------------------------------------------------------------------------------------------------------- dead letters


async def test_a_copy_that_was_passed_by_too_often_is_still_found(queue: ServiceBusQueue) -> None:
    for number in range(DELIVERIES + 2):
        await queue.dead_letter(LIVE, b"id:%d" % number, reason="r", description="d")
    for number in reversed(range(1, DELIVERIES + 2)):
        [*_, last] = sorted(await queue.dead_letters(), key=lambda dead: dead.body)
        assert last.body == b"id:%d" % number
        assert await queue.discard([last.id]) == 1
    [dead] = await queue.dead_letters()
    assert dead.body == b"id:0"
    assert (await queue.depth(LIVE)).dead == 1
    assert await queue.replay([dead.id]) == 1
    assert [message.body for message in await all_of(queue, 1)] == [b"id:0"]


async def test_a_message_of_somebody_else_hides_no_dead_letter(
    queue: ServiceBusQueue, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"what is this")])
    [stray] = broker.queues[LIVE].messages.values()
    broker.queues["dead-letters"].put(stray.message)
    await queue.dead_letter(LIVE, b"id:1", reason="r", description="d")
    assert [dead.body for dead in await queue.dead_letters()] == [b"id:1"]
    assert "dead-letters/1 was not buried by this connector" in caplog.text


async def test_hundreds_of_dead_letters_are_listed_and_cleared(queue: ServiceBusQueue, broker: Broker) -> None:
    await queue.dead_letter(LIVE, b"id:0", reason="r", description="d")
    [held] = broker.queues["dead-letters"].messages.values()
    for _ in range(249):
        broker.queues["dead-letters"].put(held.message)
    letters = await queue.dead_letters(limit=1000)
    assert len(letters) == 250
    assert await queue.discard([letter.id for letter in letters]) == 250
    assert list(await queue.dead_letters()) == []


async def test_a_cut_between_the_copy_and_its_removal_replays_twice_and_loses_nothing(
    queue: ServiceBusQueue, broker: Broker, live: Queue
) -> None:
    await queue.dead_letter(LIVE, b"id:1", reason="r", description="d")
    [dead] = await queue.dead_letters()
    broker.plan(Act.SETTLE, Effect.DROPPED_BEFORE, entity="dead-letters", times=100)
    with pytest.raises(ConnectorError):
        await queue.replay([dead.id])
    assert len(live.messages) == 1
    assert len(broker.queues["dead-letters"].messages) == 1
