"""Finds dead letters that name a record, and removes the record without losing what concerns others."""

import json
from uuid import UUID

from shared.domain.records.records import RecordKey
from shared.messages.lane_messages import LaneMessageError, ReferenceBatch, read_lane_message, write_lane_message
from shared.messages.list_messages import ListMembers
from shared.ports.queue import DeadLetter, Queue, QueueName

MOST = 10_000
"""Dead letters that are searched: an alarm reports the first ones."""


class PersonDeadLetters:
    """Searches the dead letters of all queues. Raises ConnectorErrors of the queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def naming(self, key: RecordKey) -> list[DeadLetter]:
        """Return the letters that name a record."""
        identifier = str(key.id).encode()
        return [one for one in await self._queue.dead_letters(limit=MOST) if identifier in one.body.lower()]

    async def forget(self, key: RecordKey) -> tuple[int, int]:
        """Remove the record from its letters; returns how many were changed or deleted, and how many stay.

        A copy for the others is written before the letter is deleted. A letter stays if it concerns a change of others,
        such as a merge: a replay removes it.
        """
        gone: list[str] = []
        letters = await self.naming(key)
        for letter in letters:
            rest = _without(letter, key)
            if rest is None:
                continue
            if rest:
                await self._queue.dead_letter(
                    letter.queue,
                    rest,
                    reason=letter.reason,
                    description=letter.description,
                    correlation_id=letter.correlation_id,
                )
            gone.append(letter.id)
        if gone:
            await self._queue.discard(gone)
        return len(gone), len(letters) - len(gone)


def _without(letter: DeadLetter, key: RecordKey) -> bytes | None:
    """Return the letter without the record, empty if nothing remains; None if the record cannot be separated."""
    match letter.queue:
        case QueueName.EVENTS:
            return b"" if _is_about(letter.body, key.id) else None
        case QueueName.LIVE | QueueName.BULK:
            return _lane_message_without(letter.body, key.id)


def _is_about(body: bytes, identifier: UUID) -> bool:
    try:
        event = json.loads(body)
    except ValueError:
        return False
    return isinstance(event, dict) and str(event.get("PrimaryEntityId")).lower() == str(identifier)


def _lane_message_without(body: bytes, identifier: UUID) -> bytes | None:
    try:
        message = read_lane_message(body)
    except LaneMessageError:
        return None
    match message:
        case ReferenceBatch():
            others = [one for one in message.references if one.id != identifier]
            return write_lane_message(message.model_copy(update={"references": others})) if others else b""
        case ListMembers():
            rest = tuple(one for one in message.members if one != identifier)
            return write_lane_message(message.model_copy(update={"members": rest})) if rest else b""
        case _:
            return None
