"""What only Service Bus says: messages that are too large, busy services, wrong keys; and its dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from shared.adapters.messaging.servicebus import ServiceBusQueue
from shared.adapters.messaging.sqlite import EXHAUSTED
from shared.errors import ConfigurationError, ConnectorError, DataError, Service, ThrottledError
from shared.ports.queue import OutgoingMessage, QueueName
from tests.broker.broker import Broker
from tests.broker.faults import ENTITY_DISABLED, RESOURCE_LIMIT_EXCEEDED, SERVER_BUSY, Act, Effect
from tests.broker.queues import Queue
from tests.contract.service_bus import DELIVERIES, Stage, all_of, redacted

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    # The client leaves sockets to the garbage collector when opening fails.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LIVE, BULK, EVENTS = QueueName.LIVE, QueueName.BULK, QueueName.EVENTS
SOON = timedelta(seconds=3)
AT_ONCE = timedelta(0)

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


async def test_sending_is_repeated_while_service_bus_is_busy(
    queue: ServiceBusQueue, broker: Broker, live: Queue
) -> None:
    broker.plan(Act.SEND, Effect.REFUSED, SERVER_BUSY)
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    assert len(live.messages) == 1


@pytest.mark.parametrize("condition", [SERVER_BUSY, RESOURCE_LIMIT_EXCEEDED])
async def test_a_service_that_stays_busy_asks_for_a_pause(
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


async def test_a_queue_whose_settings_would_lose_messages_is_told(
    queue: ServiceBusQueue, broker: Broker, live: Queue
) -> None:
    assert "lock duration 30 s instead of 300 s" in (await queue.depth(LIVE)).problem
    live.lock_duration = timedelta(minutes=5)
    assert (await queue.depth(LIVE)).problem == ""
    live.dead_letters_expired = False
    assert (await queue.depth(LIVE)).problem == "messages that expire vanish: switch dead-lettering on expiry on"


# --------------------------------------------------------------------------------------------------------- dead letters


@pytest.mark.slow
async def test_a_copy_that_was_passed_by_too_often_is_still_found(queue: ServiceBusQueue) -> None:
    for number in range(DELIVERIES + 1):
        await queue.dead_letter(LIVE, b"id:%d" % number, reason="r", description="d")
    for number in reversed(range(1, DELIVERIES + 1)):
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
    assert "dead-letters/1 was not dead-lettered by this connector" in caplog.text


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


async def dead_lettered(queue: ServiceBusQueue, broker: Broker, *bodies: bytes, reason: str) -> Queue:
    """Let the service itself dead-letter messages; return their sub-queue."""
    await queue.send(EVENTS, [OutgoingMessage(body, correlation_id="c-1") for body in bodies])
    events = broker.queues[EVENTS]
    for held in list(events.messages.values()):
        events.dead_letter(held, reason, "by the service")
    assert events.dead is not None
    return events.dead


@pytest.mark.parametrize("reason", [EXHAUSTED, "TTLExpiredException"])
async def test_nothing_personal_rests_where_the_service_dead_letters(
    queue: ServiceBusQueue, broker: Broker, reason: str
) -> None:
    native = await dead_lettered(queue, broker, b"id:1", b"Dear Anna", reason=reason)

    moved = await queue.collect_dead_lettered()

    assert native.messages == {}
    assert [(letter.queue, letter.reason, letter.body) for letter in moved] == [
        (EVENTS, reason, b"id:1"),
        (EVENTS, reason, b""),
    ]
    copies = broker.queues["dead-letters"].messages.values()
    assert not any(b"Anna" in held.message.body for held in copies)
    letters = await queue.dead_letters()
    assert [(one.queue, one.reason, one.body, one.correlation_id) for one in letters] == [
        (EVENTS, reason, b"id:1", "c-1"),
        (EVENTS, reason, b"", "c-1"),
    ]
    assert await queue.replay([letter.id for letter in letters]) == 1
    assert [message.body for message in await all_of(queue, 1, EVENTS)] == [b"id:1"]


async def test_hundreds_of_dead_lettered_messages_are_collected_at_once(queue: ServiceBusQueue, broker: Broker) -> None:
    native = await dead_lettered(queue, broker, *(b"id:%d" % number for number in range(250)), reason=EXHAUSTED)
    assert len(await queue.collect_dead_lettered()) == 250
    assert native.messages == {}
    assert len(await queue.dead_letters(limit=1000)) == 250


async def test_a_cut_between_the_copy_and_the_original_collects_twice_and_loses_nothing(
    queue: ServiceBusQueue, broker: Broker
) -> None:
    native = await dead_lettered(queue, broker, b"id:1", reason=EXHAUSTED)
    broker.plan(Act.SETTLE, Effect.DROPPED_BEFORE, entity=native.name, times=100)
    with pytest.raises(ConnectorError):
        await queue.collect_dead_lettered()
    assert len(native.messages) == 1
    broker.faults.planned.clear()
    native.pass_time()
    for held in list(native.messages.values()):
        if held.lock is not None:
            native.release(held)
    await queue.collect_dead_lettered()
    assert native.messages == {}
    assert {letter.body for letter in await queue.dead_letters()} == {b"id:1"}
