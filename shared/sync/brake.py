"""Stops when very many contacts are about to be erased at once, and asks: an erasure cannot be taken back.

A filter that nobody thought through, or a clean-up job in Dataverse, can make thousands of records inactive within
minutes. Up to a limit per hour erasures just happen; beyond it they are buried as dead letters, each with its record.
An administrator releases the brake for some hours and replays them, or discards them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.core.outcomes import Reason
from shared.core.plan import Anonymize, Decision, Write
from shared.core.records import RecordKey
from shared.errors import ConflictError, Service
from shared.ports import Change, Clock, Document, DocumentKey, Insert, Put, Replace, StateStore

log = logging.getLogger(__name__)

_PATIENCE = 10
"""How often the count is tried again that another worker was quicker with."""

_BY_THEMSELVES = frozenset(
    {
        Reason.DELETED,
        Reason.INACTIVE,
        Reason.MERGED,
        Reason.DO_NOT_EMAIL,
        Reason.NO_EMAIL,
        Reason.FILTERED,
    }
)
"""Ends that follow from a record. What a job asks for, record by record, was asked for."""


class Brake:
    """Counts the irreversible ends of one environment, hour by hour. A limit of 0 lets everything pass."""

    def __init__(self, store: StateStore, clock: Clock, environment: str, *, limit: int) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-brake"
        self._limit = limit

    async def held(self, plans: Mapping[RecordKey, Decision]) -> frozenset[RecordKey]:
        """Count the erasures among these plans, and return those that must wait for an administrator.

        Whoever is counted may go; a repetition counts again, which errs on the safe side. Raises ConnectorErrors of
        the state store.
        """
        ending = [key for key, planned in plans.items() if is_irreversible(planned)]
        if not ending or not self._limit or await self._is_released():
            return frozenset()
        allowed = await self._take(len(ending))
        if allowed < len(ending):
            log.error(
                "%d erasures wait for an administrator: more than %d in an hour (MASS_ERASURE_LIMIT)",
                len(ending) - allowed,
                self._limit,
            )
        return frozenset(ending[allowed:])

    async def release(self, hours: int) -> datetime:
        """Let everything pass for some hours; returns until when."""
        until = self._clock.now() + timedelta(hours=hours)
        await self._store.write([Put(self._key("released"), {"until": until.isoformat()})])
        return until

    async def state(self) -> dict[str, Any]:
        """Tell the limit, this hour's count, and until when the brake is released."""
        hour, released = self._key(self._hour()), self._key("released")
        documents = await self._store.read([hour, released])
        until = documents[released].body["until"] if released in documents else None
        is_over = until is None or datetime.fromisoformat(str(until)) <= self._clock.now()
        return {
            "limit": self._limit,
            "thisHour": int(documents[hour].body["count"]) if hour in documents else 0,
            "releasedUntil": None if is_over else until,
        }

    async def _is_released(self) -> bool:
        return (await self.state())["releasedUntil"] is not None

    async def _take(self, wanted: int) -> int:
        key = self._key(self._hour())
        for _ in range(_PATIENCE):
            document = (await self._store.read([key])).get(key)
            count = int(document.body["count"]) if document else 0
            allowed = max(0, min(wanted, self._limit - count))
            if not allowed:
                return 0
            (etag,) = await self._store.write([_counted(key, document, count + allowed)])
            if etag is not None:
                return allowed
        raise ConflictError("the count of erasures is being changed by others", service=Service.STATE)

    def _hour(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H")

    def _key(self, row: str) -> DocumentKey:
        return DocumentKey(self._partition, row)


def is_irreversible(planned: Decision) -> bool:
    """Whether a plan ends a contact without anybody having asked for this very one."""
    return isinstance(planned, Anonymize | Write) and planned.reason in _BY_THEMSELVES


def _counted(key: DocumentKey, document: Document | None, count: int) -> Change:
    body = {"count": count}
    return Insert(key, body) if document is None else Replace(key, body, document.etag)
