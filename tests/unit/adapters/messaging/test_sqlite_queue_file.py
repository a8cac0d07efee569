"""What the embedded queue leaves in its file."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from shared.adapters.messaging.sqlite import SqliteQueue
from shared.ports.queue import OutgoingMessage, QueueName
from tests.contract.clocks import ManualClock

LIVE = QueueName.LIVE
MARK = b"anna@example.org"


def open_queue(path: Path, clock: ManualClock | None = None) -> SqliteQueue:
    return SqliteQueue(path, clock=clock or ManualClock(), redact=lambda _queue, _body: b"", max_delivery_count=2)


def traces(folder: Path) -> int:
    return sum(file.read_bytes().count(MARK) for file in folder.iterdir())


def modes_of(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def test_completed_bodies_cannot_be_recovered_from_the_file(tmp_path: Path) -> None:
    queue = open_queue(tmp_path / "queue.db")
    bodies = [MARK * (1 + number % 7 * 90) for number in range(300)]
    for start in range(0, len(bodies), 60):
        await queue.send(LIVE, [OutgoingMessage(body) for body in bodies[start : start + 60]])
    assert traces(tmp_path) > 0
    while batch := await queue.receive(LIVE, limit=23, wait=timedelta(0)):
        await queue.abandon(LIVE, batch[::5])
        await queue.complete(LIVE, [message for index, message in enumerate(batch) if index % 5])
    await queue.close()
    assert traces(tmp_path) == 0


async def test_a_quiet_moment_is_enough_to_leave_no_trace_of_what_was_completed(tmp_path: Path) -> None:
    queue = open_queue(tmp_path / "queue.db")
    await queue.send(LIVE, [OutgoingMessage(MARK * 500)])
    await queue.complete(LIVE, await queue.receive(LIVE, limit=1, wait=timedelta(0)))
    assert traces(tmp_path) > 0

    assert await queue.receive(LIVE, limit=1, wait=timedelta(0)) == []

    assert traces(tmp_path) == 0
    await queue.close()


async def test_the_body_of_a_dead_lettered_message_cannot_be_recovered_either(tmp_path: Path) -> None:
    queue = open_queue(tmp_path / "queue.db")
    await queue.send(LIVE, [OutgoingMessage(MARK * 500)])
    for _ in range(2):
        await queue.abandon(LIVE, await queue.receive(LIVE, limit=1, wait=timedelta(0)))
    assert len(await queue.dead_letters()) == 1
    await queue.close()
    assert traces(tmp_path) == 0


async def test_closing_clears_the_file_even_while_another_process_has_it_open(tmp_path: Path) -> None:
    queue, other = open_queue(tmp_path / "queue.db"), open_queue(tmp_path / "queue.db")
    await other.ping()
    await queue.send(LIVE, [OutgoingMessage(MARK * 50)])
    await queue.complete(LIVE, await queue.receive(LIVE, limit=1, wait=timedelta(0)))
    await queue.close()
    assert traces(tmp_path) == 0
    await other.close()


async def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    queue = open_queue(tmp_path / "queue.db")
    await queue.send(LIVE, [OutgoingMessage(MARK)])
    assert modes_of(tmp_path) == {"queue.db": 0o600, "queue.db-wal": 0o600, "queue.db-shm": 0o600}
    await queue.close()


async def test_a_new_file_can_be_opened_by_many_at_the_same_moment(tmp_path: Path) -> None:
    for attempt in range(10):
        queues = [open_queue(tmp_path / f"queue-{attempt}.db") for _ in range(8)]
        await asyncio.gather(*(queue.ping() for queue in queues))
        for queue in queues:
            await queue.close()


def _send_fifty(path: Path, worker: int) -> None:
    async def send() -> None:
        queue = open_queue(path)
        for number in range(50):
            await queue.send(LIVE, [OutgoingMessage(b"%d" % (worker * 50 + number))])
        await queue.close()

    asyncio.run(send())


async def test_processes_that_start_together_share_the_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_send_fifty, args=(tmp_path / "queue.db", number)) for number in range(3)]
    for worker in workers:
        worker.start()
    queue = open_queue(tmp_path / "queue.db")
    found: list[bytes] = []
    while len(found) < 150:
        batch = await queue.receive(LIVE, limit=10, wait=timedelta(seconds=20))
        assert batch
        found.extend(message.body for message in batch)
        await queue.complete(LIVE, batch)
    for worker in workers:
        await asyncio.to_thread(worker.join)
    await queue.close()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sorted(map(int, found)) == list(range(150))


async def test_failures_are_counted_across_locks_that_ended_and_processes_that_died(tmp_path: Path) -> None:
    clock = ManualClock()
    queue, killed = open_queue(tmp_path / "queue.db", clock), open_queue(tmp_path / "queue.db", clock)
    await queue.send(LIVE, [OutgoingMessage(b"bad"), OutgoingMessage(b"good")])
    for _ in range(2):
        await killed.receive(LIVE, limit=2, wait=timedelta(0))
        clock.advance(timedelta(minutes=5))
        bad, _ = await queue.receive(LIVE, limit=2, wait=timedelta(0))
        assert await queue.dead_letters() == []
        await queue.abandon(LIVE, [bad])
        clock.advance(timedelta(minutes=5))
    assert [one.body for one in await queue.receive(LIVE, limit=2, wait=timedelta(0))] == [b"good"]
    assert len(await queue.dead_letters()) == 1
    await killed.close()
    await queue.close()


async def test_a_file_of_an_earlier_version_goes_on_and_what_it_has_received_often_is_not_dead_lettered(
    tmp_path: Path,
) -> None:
    path = tmp_path / "queue.db"
    queue = open_queue(path)
    await queue.send(LIVE, [OutgoingMessage(b"a")])
    await queue.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            DROP TRIGGER failures_end_with_their_message;
            DROP TABLE failures;
            CREATE INDEX messages_delivered ON messages (queue, delivery_count, visible_at) WHERE delivery_count > 0;
            UPDATE messages SET delivery_count = 99;
            """
        )

    [message] = await (queue := open_queue(path)).receive(LIVE, limit=2, wait=timedelta(0))

    assert message.delivery_count == 100
    await queue.complete(LIVE, [message])
    assert (await queue.depth(LIVE)).active == 0
    await queue.close()
