"""Dead letters of the embedded queue: their tables, how one is kept, and how they are read."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aiosqlite import Connection

from shared.domain.wording.stored import from_json, to_json
from shared.ports.queue import DeadLetter, QueueName

# `wordings` have template and values of a description, if the connector wrote it.
LETTERS = """
CREATE TABLE IF NOT EXISTS dead_letters (
    sequence       INTEGER PRIMARY KEY AUTOINCREMENT,
    queue          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    description    TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    dead_since     INTEGER NOT NULL,
    body           BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS wordings (
    sequence       INTEGER PRIMARY KEY,
    wording        TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS wordings_end_with_their_dead_letter AFTER DELETE ON dead_letters BEGIN
    DELETE FROM wordings WHERE sequence = old.sequence;
END;
"""

_KEEP = (
    "INSERT INTO dead_letters (queue, reason, description, correlation_id, dead_since, body) VALUES (?, ?, ?, ?, ?, ?)"
)
_KEEP_WORDING = "INSERT INTO wordings (sequence, wording) VALUES (last_insert_rowid(), ?)"
_OLDEST = """
SELECT sequence, queue, reason, description, coalesce(wording, ''), body, correlation_id, dead_since
FROM dead_letters LEFT JOIN wordings USING (sequence) ORDER BY sequence LIMIT ?
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


async def keep_letter(
    connection: Connection,
    queue: QueueName,
    body: bytes,
    *,
    reason: str,
    description: str,
    correlation_id: str,
    now: datetime,
) -> None:
    """Keep a dead letter, inside a transaction."""
    row = (queue, reason, str(description), correlation_id, micros(now), body)
    await connection.execute(_KEEP, row)
    if wording := to_json(description):
        await connection.execute(_KEEP_WORDING, (wording,))


async def oldest_letters(connection: Connection, limit: int) -> Sequence[DeadLetter]:
    """Return the oldest dead letters of all queues."""
    return [
        DeadLetter(
            id=str(sequence),
            queue=QueueName(queue),
            reason=reason,
            description=from_json(description, wording),
            body=body,
            correlation_id=correlation_id,
            dead_since=moment(dead_since),
        )
        for sequence, queue, reason, description, wording, body, correlation_id, dead_since in (
            await connection.execute_fetchall(_OLDEST, (limit,))
        )
    ]


def micros(moment: datetime) -> int:
    """Return a moment as the file has it: microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """Read what `micros` wrote."""
    return _EPOCH + micros * _MICROSECOND
