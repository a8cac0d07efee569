"""The contract of `Queue` and `QueueReceiver`: receivers that wait, and several of them at once."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.messaging.sqlite import SqliteQueue
from shared.errors import ConfigurationError
from shared.ports.queue import OutgoingMessage, ReceivedMessage
from tests.contract.clocks import ManualClock
from tests.contract.queues.backends import (
    AT_ONCE,
    BULK,
    HANDED_OVER_WITHIN,
    LIVE,
    AnyQueue,
    Backend,
    OpenQueue,
    bodies,
    received,
    received_now,
)
from tests.contract.service_bus import LOCK, redacted
from tests.programs.times import LONGEST_WAIT

_TRIES = 10
"""A machine that is busy now may be quick in a second."""

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_no_message_is_locked_by_two_receivers(open_queue: OpenQueue) -> None:
    sender, *receivers = (open_queue() for _ in range(5))
    await sender.send(LIVE, [OutgoingMessage(b"%d" % number) for number in range(200)])
    found: list[bytes] = []

    async def drain(receiver: AnyQueue) -> None:
        while len(found) < 200:
            batch = await receiver.receive(LIVE, limit=7, wait=AT_ONCE)
            found.extend(bodies(batch))

    async with asyncio.timeout(LONGEST_WAIT):
        await asyncio.gather(*(drain(receiver) for receiver in receivers))
    assert sorted(int(body) for body in found) == list(range(200))


async def test_a_waiting_receiver_wakes_when_this_process_sends(queue: AnyQueue) -> None:
    waiting = asyncio.create_task(queue.receive(LIVE, limit=10, wait=timedelta(seconds=LONGEST_WAIT)))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    assert bodies(await asyncio.wait_for(waiting, LONGEST_WAIT)) == [b"a"]


async def test_a_message_is_handed_over_quickly(queue: AnyQueue, backend: Backend) -> None:
    medians = [await _median_delay(queue)]
    while medians[-1] >= HANDED_OVER_WITHIN[backend] and len(medians) < _TRIES:
        medians.append(await _median_delay(queue))

    assert min(medians) < HANDED_OVER_WITHIN[backend], medians


async def _median_delay(queue: AnyQueue) -> float:
    delays: list[float] = []
    for _ in range(7):
        waiting = asyncio.create_task(queue.receive(LIVE, limit=10, wait=timedelta(seconds=LONGEST_WAIT)))
        await asyncio.sleep(0.01)
        began = time.monotonic()
        await queue.send(LIVE, [OutgoingMessage(b"a")])
        await waiting
        delays.append(time.monotonic() - began)
    return statistics.median(delays)


async def test_a_waiting_receiver_sees_what_another_process_sends(open_queue: OpenQueue) -> None:
    waiting = asyncio.create_task(open_queue().receive(LIVE, limit=10, wait=timedelta(seconds=LONGEST_WAIT)))
    await asyncio.sleep(0.1)
    await open_queue().send(LIVE, [OutgoingMessage(b"a")])
    assert bodies(await asyncio.wait_for(waiting, LONGEST_WAIT)) == [b"a"]


async def test_a_waiting_receiver_sees_a_schedule_come_due(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"a", not_before=clock.now() + timedelta(minutes=1))])
    waiting = asyncio.create_task(queue.receive(LIVE, limit=10, wait=timedelta(seconds=LONGEST_WAIT)))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    clock.advance(timedelta(minutes=1))
    assert bodies(await asyncio.wait_for(waiting, LONGEST_WAIT)) == [b"a"]


async def test_waiting_ends_without_a_message(queue: AnyQueue) -> None:
    began = time.monotonic()
    assert list(await queue.receive(LIVE, limit=10, wait=timedelta(seconds=0.2))) == []
    assert time.monotonic() - began >= 0.2


async def test_a_receiver_that_is_cancelled_leaves_the_queue_usable(queue: AnyQueue) -> None:
    for pause in (0, 0.0005, 0.001, 0.002, 0.004, 0.06):
        waiting = asyncio.create_task(queue.receive(BULK, limit=10, wait=timedelta(seconds=LONGEST_WAIT)))
        await asyncio.sleep(pause)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    assert bodies(await received(queue)) == [b"a"]


async def test_a_thousand_messages_pass_in_a_few_calls(queue: AnyQueue, clock: ManualClock) -> None:
    await queue.send(LIVE, [OutgoingMessage(b"%d" % number) for number in range(1000)])
    messages: list[ReceivedMessage] = []
    while len(messages) < 1000:
        messages += await received(queue, limit=1000 - len(messages))
    assert bodies(messages) == [b"%d" % number for number in range(1000)]
    await queue.complete(LIVE, messages)
    clock.advance(LOCK)
    assert list(await received_now(queue)) == []


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
