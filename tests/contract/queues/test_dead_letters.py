"""The contract of `Queue` and `QueueReceiver`: what becomes of a message that nobody completes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.messaging.sqlite import EXHAUSTED
from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.wording.errors import ErrorText
from shared.domain.wording.letters import LetterText
from shared.domain.wording.phrase import Phrase
from shared.ports.queue import OutgoingMessage
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
from tests.contract.service_bus import DELIVERIES, LOCK

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
    assert list(await received_now(queue)) == []
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
    again = bodies(await received_now(queue))
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


async def test_a_description_that_the_connector_wrote_keeps_its_template_and_values(queue: AnyQueue) -> None:
    described = LetterText.ABOUT(
        what="list", text=LetterText.CAUSE(text=TEXTS[Reason.GAVE_UP], cause=ErrorText.NO_ANSWER(operation="GET list"))
    )
    await queue.dead_letter(LIVE, b"id:1", reason="gave-up", description=described)
    await queue.dead_letter(LIVE, b"id:2", reason="Poison", description="no record")

    letters = {letter.body: letter.description for letter in await queue.dead_letters()}

    assert letters == {b"id:1": str(described), b"id:2": "no record"}
    told = letters[b"id:1"]
    assert isinstance(told, Phrase)
    assert (told.wording, told.values) == (LetterText.ABOUT, described.values)
    assert await queue.discard([letter.id for letter in await queue.dead_letters()]) == 2


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
    assert list(await received_now(queue, EVENTS)) == []


async def test_a_dead_letter_can_be_discarded_for_good(queue: AnyQueue) -> None:
    await queue.dead_letter(EVENTS, b"", reason="r", description="d")
    await queue.dead_letter(LIVE, b"id:1", reason="r", description="d")
    first, second = await queue.dead_letters()
    assert await queue.discard([first.id, "nonsense"]) == 1
    assert list(await queue.dead_letters()) == [second]
