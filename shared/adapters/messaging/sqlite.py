"""The embedded queue: peek-lock with expiry, schedules and dead letters in one SQLite file."""

import asyncio
import contextlib
import json
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiosqlite import Connection

from shared.adapters.backends.sqlite_file import SqliteFile
from shared.adapters.messaging.sqlite_dead_letters import LETTERS, keep_letter, micros, moment, oldest_letters
from shared.domain.wording.letters import LetterText
from shared.errors import Service, TransientError
from shared.ports.clock import Clock
from shared.ports.queue import DeadLetter, OutgoingMessage, QueueDepth, QueueName, ReceivedMessage

# Times are microseconds since 1970. A message can be received from `visible_at` on: its schedule, the end of its lock,
# or 0 once abandoned. `lock` names the last receive call that locked it. The index finds and counts messages without
# reading their bodies. `failures` counts abandoned deliveries. A lock that ended, because its worker was killed or too
# slow, is not a failure of the message.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    sequence       INTEGER PRIMARY KEY AUTOINCREMENT,
    queue          TEXT NOT NULL,
    visible_at     INTEGER NOT NULL,
    lock           TEXT,
    delivery_count INTEGER NOT NULL DEFAULT 0,
    enqueued_at    INTEGER NOT NULL,
    message_id     TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    content_type   TEXT NOT NULL,
    properties     TEXT NOT NULL,
    body           BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_in_order ON messages (queue, sequence, visible_at, lock);
DROP INDEX IF EXISTS messages_delivered;
CREATE TABLE IF NOT EXISTS failures (
    sequence       INTEGER PRIMARY KEY,
    number         INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS failures_end_with_their_message AFTER DELETE ON messages BEGIN
    DELETE FROM failures WHERE sequence = old.sequence;
END;
"""

_SEND = """
INSERT INTO messages (queue, visible_at, enqueued_at, message_id, correlation_id, content_type, properties, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_ANY_READY = "SELECT 1 FROM messages WHERE queue = ? AND visible_at <= ? LIMIT 1"
_EXHAUSTED = """
SELECT sequence, correlation_id, body FROM failures JOIN messages USING (sequence)
WHERE queue = ? AND number >= ? AND visible_at <= ?
"""
_LOCK = """
UPDATE messages SET lock = ?, visible_at = ?, delivery_count = delivery_count + 1
WHERE sequence IN (SELECT sequence FROM messages WHERE queue = ? AND visible_at <= ? ORDER BY sequence LIMIT ?)
RETURNING sequence, body, content_type, properties, message_id, correlation_id, delivery_count, enqueued_at
"""
# The last receiver of a message may settle it, even after the end of its lock, until another one has received it.
_HELD = "WHERE queue = ? AND sequence = ? AND lock = ?"
_COMPLETE = f"DELETE FROM messages {_HELD}"  # noqa: S608  # both parts are constants
_FAIL = f"""
INSERT INTO failures (sequence, number) SELECT sequence, 1 FROM messages {_HELD}
ON CONFLICT (sequence) DO UPDATE SET number = number + 1
"""  # noqa: S608  # both parts are constants
_ABANDON = f"UPDATE messages SET visible_at = 0, lock = NULL {_HELD}"  # noqa: S608  # both parts are constants
_RENEW = f"UPDATE messages SET visible_at = ? {_HELD}"  # noqa: S608  # both parts are constants
_REPLAYABLE = """
SELECT sequence, queue, correlation_id, body FROM dead_letters
WHERE sequence IN (SELECT value FROM json_each(?)) AND length(body) > 0 ORDER BY sequence
"""
_DEPTH = """
SELECT count(*), coalesce(sum(lock IS NULL AND visible_at > :now), 0),
    (SELECT count(*) FROM dead_letters WHERE queue = :queue),
    min(CASE WHEN lock IS NOT NULL OR visible_at <= :now THEN enqueued_at END)
FROM messages WHERE queue = :queue
"""

# The interval at which a waiting receiver looks for due schedules and ended locks. It sees messages before.
_POLL_SECONDS = 0.25

# The reason that Service Bus uses for the same event.
EXHAUSTED = "MaxDeliveryCountExceeded"


class SqliteQueue:
    """Implements the ports `Queue` and `QueueReceiver` with SQLite. Several processes may use the file at once."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        redact: Callable[[QueueName, bytes], bytes],
        lock_duration: timedelta = timedelta(minutes=5),
        max_delivery_count: int = 10,
    ) -> None:
        """`redact` turns a body into one without personal data, or into an empty one; it must not raise.

        After `max_delivery_count` abandoned deliveries, a message is dead-lettered. An ended lock is not counted as a
        failed delivery here, unlike in Service Bus.
        """
        self._file = SqliteFile(path, schema=_SCHEMA + LETTERS, service=Service.QUEUE)
        self._clock = clock
        self._redact = redact
        self._lock_duration = lock_duration
        self._max_delivery_count = max_delivery_count
        self._arrivals: defaultdict[QueueName, asyncio.Event] = defaultdict(asyncio.Event)
        # Queues whose bodies may still be in the write-ahead log: at first all, because of earlier processes.
        self._with_traces = set(QueueName)

    # ------------------------------------------------------------------------------------------------------- the app

    async def send(self, queue: QueueName, messages: Sequence[OutgoingMessage]) -> None:
        """Enqueue all in one transaction."""
        now = self._clock.now()
        rows = [_row(queue, message, now) for message in messages]
        async with self._file.writing() as connection:
            await connection.executemany(_SEND, rows)
        self._wake_receivers(queue)

    async def dead_letter(
        self, queue: QueueName, body: bytes, *, reason: str, description: str, correlation_id: str = ""
    ) -> None:
        """Store a copy of a message as a dead letter."""
        async with self._file.writing() as connection:
            await keep_letter(
                connection,
                queue,
                body,
                reason=reason,
                description=description,
                correlation_id=correlation_id,
                now=self._clock.now(),
            )

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the oldest dead letters of all queues."""
        async with self._file.reading() as connection:
            return await oldest_letters(connection, limit)

    async def replay(self, identifiers: Sequence[str]) -> int:
        """Move dead letters that have a body back to their queue, in one transaction."""
        now = self._clock.now()
        async with self._file.writing() as connection:
            rows = list(await connection.execute_fetchall(_REPLAYABLE, (_sequences(identifiers),)))
            await connection.executemany(
                _SEND,
                [
                    _row(queue, OutgoingMessage(body, correlation_id=correlation_id), now)
                    for _, queue, correlation_id, body in rows
                ],
            )
            await connection.executemany("DELETE FROM dead_letters WHERE sequence = ?", [(row[0],) for row in rows])
        for queue in {QueueName(row[1]) for row in rows}:
            self._wake_receivers(queue)
        return len(rows)

    async def discard(self, identifiers: Sequence[str]) -> int:
        """Delete dead letters; return how many there were."""
        async with self._file.writing() as connection:
            cursor = await connection.execute(
                "DELETE FROM dead_letters WHERE sequence IN (SELECT value FROM json_each(?))",
                (_sequences(identifiers),),
            )
            return cursor.rowcount

    async def collect_dead_lettered(self) -> Sequence[DeadLetter]:
        """Do nothing: this queue stores all its dead letters without personal data."""
        return []

    async def depth(self, queue: QueueName) -> QueueDepth:
        """Count from the index."""
        async with self._file.reading() as connection:
            [(total, scheduled, dead, oldest)] = await connection.execute_fetchall(
                _DEPTH, {"queue": queue, "now": micros(self._clock.now())}
            )
        since = None if oldest is None else moment(oldest)
        return QueueDepth(active=total - scheduled, scheduled=scheduled, dead=dead, oldest=since)

    async def ping(self) -> None:
        """Open the file."""
        async with self._file.reading() as connection:
            await connection.execute_fetchall("SELECT 1 FROM messages LIMIT 1")

    async def close(self) -> None:
        """Erase what was deleted and close the file; a later call opens it again."""
        with contextlib.suppress(TransientError):  # another process uses the file, and closes it later
            await self._file.rebuild()
        await self._file.close()

    # ------------------------------------------------------------------------------------------------------ the host

    async def receive(self, queue: QueueName, *, limit: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        """Lock up to `limit` messages, oldest first. `wait` is real time, not time of the clock."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.total_seconds()
        while True:
            arrival, mark = self._arrivals[queue], self._file.mark()  # before the query: no later message is missed
            if await self._any_ready(queue) and (messages := await self._lock(queue, limit)):
                self._with_traces.add(queue)
                return messages
            remaining = deadline - loop.time()
            if remaining <= 0:
                await self._remove_traces(queue)
                return []
            await self._file.changed(mark, arrival, seconds=min(remaining, _POLL_SECONDS))

    async def complete(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Delete the messages that no other receiver has locked since."""
        async with self._file.writing() as connection:
            await connection.executemany(_COMPLETE, _held(queue, messages))

    async def abandon(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Unlock the messages that no other receiver has locked since, and count a failure."""
        async with self._file.writing() as connection:
            held = _held(queue, messages)
            await connection.executemany(_FAIL, held)
            await connection.executemany(_ABANDON, held)
            await self._dead_letter_exhausted(connection, queue)
        self._wake_receivers(queue)

    async def renew(self, queue: QueueName, messages: Sequence[ReceivedMessage]) -> None:
        """Extend locks, also ended ones, unless another receiver has locked the messages since."""
        until = micros(self._clock.now() + self._lock_duration)
        async with self._file.writing() as connection:
            await connection.executemany(_RENEW, [(until, *held) for held in _held(queue, messages)])

    async def _any_ready(self, queue: QueueName) -> bool:
        # This query needs no write lock, so that idle receivers do not disturb other processes.
        async with self._file.reading() as connection:
            return bool(await connection.execute_fetchall(_ANY_READY, (queue, micros(self._clock.now()))))

    async def _lock(self, queue: QueueName, limit: int) -> list[ReceivedMessage]:
        now = self._clock.now()
        lock = secrets.token_hex(8)
        until = micros(now + self._lock_duration)
        async with self._file.writing() as connection:
            rows = await connection.execute_fetchall(_LOCK, (lock, until, queue, micros(now), limit))
        # RETURNING has no defined order.
        return sorted(
            (_received(row, lock, self._lock_duration) for row in rows), key=lambda message: message.sequence_number
        )

    async def _dead_letter_exhausted(self, connection: Connection, queue: QueueName) -> None:
        now = self._clock.now()
        rows = list(await connection.execute_fetchall(_EXHAUSTED, (queue, self._max_delivery_count, micros(now))))
        for _, correlation_id, body in rows:
            await keep_letter(
                connection,
                queue,
                self._redact(queue, body),
                reason=EXHAUSTED,
                description=LetterText.DELIVERED(count=self._max_delivery_count),
                correlation_id=correlation_id,
                now=now,
            )
        await connection.executemany("DELETE FROM messages WHERE sequence = ?", [(row[0],) for row in rows])

    async def _remove_traces(self, queue: QueueName) -> None:
        """Erase deleted messages from the write-ahead log, when the queue is empty."""
        if queue in self._with_traces and await self._file.fold():
            self._with_traces.discard(queue)

    def _wake_receivers(self, queue: QueueName) -> None:
        # A new event for later receivers: an event is never cleared while another receiver waits for it.
        self._arrivals.pop(queue, asyncio.Event()).set()


def _row(queue: QueueName, message: OutgoingMessage, now: datetime) -> tuple[Any, ...]:
    visible_at = micros(max(now, message.not_before or now))
    return (
        queue,
        visible_at,
        visible_at,
        message.message_id or uuid4().hex,
        message.correlation_id,
        message.content_type,
        json.dumps(dict(message.properties)),
        message.body,
    )


def _received(row: sqlite3.Row, lock: str, locked_for: timedelta) -> ReceivedMessage:
    sequence, body, content_type, properties, message_id, correlation_id, delivery_count, enqueued_at = row
    return ReceivedMessage(
        body=body,
        content_type=content_type,
        properties=json.loads(properties),
        message_id=message_id,
        correlation_id=correlation_id,
        delivery_count=delivery_count,
        enqueued_at=moment(enqueued_at),
        sequence_number=sequence,
        settlement=lock,
        locked_for=locked_for,
    )


def _held(queue: QueueName, messages: Sequence[ReceivedMessage]) -> list[tuple[str, int, str]]:
    return [(queue, message.sequence_number, message.settlement) for message in messages]


def _sequences(identifiers: Sequence[str]) -> str:
    return json.dumps([int(identifier) for identifier in identifiers if identifier.isascii() and identifier.isdigit()])
