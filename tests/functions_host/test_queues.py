"""How messages reach functions, and what becomes of them."""
# ruff: noqa: ARG002  # a fake receiver takes what the real one needs

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import List  # noqa: UP035  # the worker refuses list[...] as a type of messages

import azure.functions as func
import pytest
import pytest_asyncio

from shared.adapters.messaging.sqlite import SqliteQueue
from shared.errors import TransientError
from shared.local.functions_host.host_json import ServiceBusSettings
from shared.local.functions_host.index import QueueTrigger, index_functions
from shared.local.functions_host.invocation import Invoker
from shared.local.functions_host.queues import QueueListener
from shared.ports.queue import OutgoingMessage, QueueName, QueueReceiver, ReceivedMessage
from tests.programs.times import LONGEST_WAIT

SECRET = "anna@example.org"
LOCK = timedelta(milliseconds=120)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest_asyncio.fixture
async def queue(tmp_path: Path) -> AsyncIterator[SqliteQueue]:
    queue = SqliteQueue(tmp_path / "queue.db", clock=SystemClock(), redact=lambda _, body: body, max_delivery_count=3)
    yield queue
    await queue.close()


@asynccontextmanager
async def listening(
    app: func.FunctionApp,
    receiver: QueueReceiver,
    *,
    time_limit: timedelta | None = None,
    **settings: object,
) -> AsyncIterator[asyncio.Event]:
    """Run the listener of the app's one function; yields the event that asks it to stop."""
    [function] = index_functions(app, {})
    assert isinstance(function.trigger, QueueTrigger)
    listener = QueueListener(
        function,
        function.trigger,
        receiver,
        Invoker(timeout=time_limit),
        ServiceBusSettings.model_validate(settings),
        wait=timedelta(milliseconds=20),
    )
    stopping = asyncio.Event()
    running = asyncio.create_task(listener.run(stopping))
    try:
        yield stopping
    finally:
        stopping.set()
        await running


async def empty(queue: SqliteQueue, name: QueueName) -> None:
    async with asyncio.timeout(LONGEST_WAIT):
        while (await queue.depth(name)).active:  # noqa: ASYNC110  # a queue sends no notice when it is empty
            await asyncio.sleep(0.005)


def texts(count: int) -> list[OutgoingMessage]:
    return [OutgoingMessage(str(number).encode(), message_id=f"m-{number}") for number in range(count)]


def batch_app(handle: Callable[[list[str]], None]) -> func.FunctionApp:
    app = func.FunctionApp()

    @app.service_bus_queue_trigger(
        arg_name="messages", queue_name="sync-live", connection="ServiceBus", cardinality=func.Cardinality.MANY
    )
    async def on_sync_live(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006  # see above
        handle([message.get_body().decode() for message in messages])

    return app


async def test_a_batch_function_receives_at_most_the_configured_number(queue: SqliteQueue) -> None:
    batches: list[list[str]] = []
    await queue.send(QueueName.LIVE, texts(5))

    async with listening(batch_app(batches.append), queue, maxMessageBatchSize=2):
        await empty(queue, QueueName.LIVE)

    assert batches == [["0", "1"], ["2", "3"], ["4"]]


async def test_a_failed_batch_is_redelivered_as_a_whole_and_dead_lettered_in_the_end(
    queue: SqliteQueue, caplog: pytest.LogCaptureFixture
) -> None:
    batches: list[list[str]] = []

    def fail(batch: list[str]) -> None:
        batches.append(batch)
        raise ValueError(SECRET)

    await queue.send(QueueName.LIVE, texts(2))
    async with listening(batch_app(fail), queue):
        await empty(queue, QueueName.LIVE)

    assert batches == [["0", "1"]] * 3
    assert (await queue.depth(QueueName.LIVE)).dead == 2
    assert SECRET not in caplog.text


async def test_a_text_batch_with_bytes_that_are_no_text_is_a_failed_batch(
    queue: SqliteQueue, caplog: pytest.LogCaptureFixture
) -> None:
    batches: list[list[str]] = []
    await queue.send(QueueName.LIVE, [OutgoingMessage(b"\xff")])

    with caplog.at_level(logging.ERROR):
        async with listening(batch_app(batches.append), queue):
            await empty(queue, QueueName.LIVE)

    assert batches == []
    assert (await queue.depth(QueueName.LIVE)).dead == 1
    assert "on_sync_live cannot be given its messages: UnicodeDecodeError" in caplog.text


async def test_a_batch_function_has_one_batch_at_a_time(queue: SqliteQueue) -> None:
    active = 0
    most = 0
    app = func.FunctionApp()

    @app.service_bus_queue_trigger(
        arg_name="messages", queue_name="sync-live", connection="ServiceBus", cardinality=func.Cardinality.MANY
    )
    async def on_sync_live(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006  # see above
        nonlocal active, most
        active += 1
        most = max(most, active)
        await asyncio.sleep(0.01)
        active -= 1

    await queue.send(QueueName.LIVE, texts(5))
    async with listening(app, queue, maxMessageBatchSize=1):
        await empty(queue, QueueName.LIVE)

    assert most == 1


async def test_single_messages_run_side_by_side_and_fail_alone(queue: SqliteQueue) -> None:
    together = asyncio.Barrier(3)
    app = func.FunctionApp()

    @app.service_bus_queue_trigger(arg_name="message", queue_name="sync-bulk", connection="ServiceBus")
    async def on_sync_bulk(message: func.ServiceBusMessage) -> None:
        if message.delivery_count == 1:
            await together.wait()
        if message.get_body() == b"1":
            raise ValueError

    await queue.send(QueueName.BULK, texts(3))
    async with listening(app, queue, maxConcurrentCalls=3):
        await empty(queue, QueueName.BULK)

    [dead] = await queue.dead_letters()
    assert dead.body == b"1"


async def test_a_stopping_host_finishes_the_batch_it_has(queue: SqliteQueue) -> None:
    begun, release = asyncio.Event(), asyncio.Event()
    app = func.FunctionApp()

    @app.service_bus_queue_trigger(
        arg_name="messages", queue_name="sync-live", connection="ServiceBus", cardinality=func.Cardinality.MANY
    )
    async def on_sync_live(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006  # see above
        begun.set()
        await release.wait()

    await queue.send(QueueName.LIVE, texts(2))
    async with listening(app, queue, maxMessageBatchSize=1) as stopping:
        await begun.wait()
        stopping.set()
        release.set()

    assert (await queue.depth(QueueName.LIVE)).active == 1


@dataclass
class ScriptedReceiver:
    """Delivers one message once; the first `failures` calls fail."""

    failures: int = 0
    fail_settling: bool = False
    calls: list[str] = field(default_factory=list)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    renewed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def receive(self, queue: QueueName, *, limit: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        if self.failures:
            self.failures -= 1
            raise TransientError("the queue is away")
        if "receive" in self.calls:
            await asyncio.sleep(0.01)
            return []
        self.calls.append("receive")
        return [
            ReceivedMessage(
                body=b"",
                content_type="",
                properties={},
                message_id="m",
                correlation_id="",
                delivery_count=1,
                enqueued_at=datetime(2026, 5, 1, tzinfo=UTC),
                sequence_number=1,
                settlement="lock",
                locked_for=LOCK,
            )
        ]

    async def complete(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        self.calls.append("complete")
        self.settled.set()
        if self.fail_settling:
            raise TransientError("the queue is away")

    async def abandon(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        self.calls.append("abandon")

    async def renew(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        self.calls.append("renew")
        self.renewed.release()


def renewing_app(receiver: ScriptedReceiver, *, cardinality: func.Cardinality, renewals: int) -> func.FunctionApp:
    """An app whose function runs for `renewals` renewals of its locks, and for one more lock."""
    app = func.FunctionApp()

    @app.service_bus_queue_trigger(
        arg_name="message",
        queue_name="sync-bulk",
        connection="ServiceBus",
        cardinality=cardinality,
        data_type=func.DataType.BINARY,
    )
    async def on_sync_bulk(message) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # one or many, as asked
        for _ in range(renewals):
            await receiver.renewed.acquire()
        await asyncio.sleep(LOCK.total_seconds())

    return app


@pytest.mark.parametrize("cardinality", list(func.Cardinality))
async def test_locks_are_renewed_while_the_function_runs(cardinality: func.Cardinality) -> None:
    receiver = ScriptedReceiver()

    async with listening(renewing_app(receiver, cardinality=cardinality, renewals=3), receiver):
        await receiver.settled.wait()

    assert receiver.calls[:4] == ["receive", "renew", "renew", "renew"]
    assert receiver.calls[-1] == "complete"


@pytest.mark.parametrize("cardinality", list(func.Cardinality))
async def test_renewal_ends_after_the_configured_duration(cardinality: func.Cardinality) -> None:
    receiver = ScriptedReceiver()

    async with listening(
        renewing_app(receiver, cardinality=cardinality, renewals=1),
        receiver,
        maxAutoLockRenewalDuration="00:00:00.04",
    ):
        await receiver.settled.wait()

    assert receiver.calls == ["receive", "renew", "complete"]


@asynccontextmanager
async def opened_with_lock(folder: Path, lock: timedelta) -> AsyncIterator[SqliteQueue]:
    queue = SqliteQueue(
        folder / "short.db",
        clock=SystemClock(),
        redact=lambda _, body: body,
        lock_duration=lock,
        max_delivery_count=2,
    )
    yield queue
    await queue.close()


async def test_a_batch_that_takes_longer_than_its_lock_is_done_once(tmp_path: Path) -> None:
    batches: list[list[str]] = []
    app = func.FunctionApp()

    @app.service_bus_queue_trigger(
        arg_name="messages", queue_name="sync-live", connection="ServiceBus", cardinality=func.Cardinality.MANY
    )
    async def on_sync_live(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006  # see above
        batches.append([message.get_body().decode() for message in messages])
        await asyncio.sleep(2.5)

    async with opened_with_lock(tmp_path, timedelta(seconds=1)) as queue:
        await queue.send(QueueName.LIVE, texts(2))
        async with listening(app, queue):
            await empty(queue, QueueName.LIVE)

    assert batches == [["0", "1"]]


async def test_a_function_that_hangs_is_ended_by_its_time_out_and_that_is_a_failed_delivery(tmp_path: Path) -> None:
    app = func.FunctionApp()
    calls = 0

    @app.service_bus_queue_trigger(
        arg_name="messages", queue_name="sync-live", connection="ServiceBus", cardinality=func.Cardinality.MANY
    )
    async def on_sync_live(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006  # see above
        nonlocal calls
        calls += 1
        await asyncio.Event().wait()

    async with opened_with_lock(tmp_path, timedelta(minutes=1)) as queue:
        await queue.send(QueueName.LIVE, texts(1))
        async with listening(app, queue, time_limit=timedelta(milliseconds=10)):
            await empty(queue, QueueName.LIVE)
        assert len(await queue.dead_letters()) == 1

    assert calls == 2


async def test_a_listener_outlives_a_queue_that_is_away() -> None:
    receiver = ScriptedReceiver(failures=1, fail_settling=True)

    async with listening(renewing_app(receiver, cardinality=func.Cardinality.MANY, renewals=0), receiver):
        await receiver.settled.wait()

    assert [call for call in receiver.calls if call != "renew"] == ["receive", "complete"]
