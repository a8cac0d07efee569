"""One walk over a table at a time: who asks for another one while it is under way is told so.

One document per table, in the partition `walk`: the correlation id of the walk, since when it is under way, and when it
came to its last page. A walk that died with its message is presumed over after a day; where it comes again all the
same, as a dead letter that is replayed, it goes on only if no other one has begun meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.records.records import PersonTable
from shared.ports.clock import Clock
from shared.ports.state import Change, Delete, Document, DocumentKey, Insert, Replace, StateStore

PRESUMED_OVER = timedelta(days=1)
"""Without a page for so long. What a pause holds up is older than its last page, but not by days."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A walk that has not ended."""

    correlation: str
    since: datetime
    last_page: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether nothing has been heard of it for too long."""
        return now - self.last_page >= PRESUMED_OVER


class Walks:
    """The walks of one environment. Its methods raise ConnectorErrors."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-walk"

    async def begin(self, table: PersonTable, correlation: str) -> UnderWay | None:
        """Note a walk, also at each of its pages; returns the other one that is under way, if there is one."""
        key, now = self._key(table), self._clock.now()
        document = (await self._store.read([key])).get(key)
        one = _read(document) if document is not None else None
        if one is not None and one.correlation != correlation and not one.is_over(now):
            return one
        since = one.since if one is not None and one.correlation == correlation else now
        body = {"correlation": correlation, "since": since.isoformat(), "last_page": now.isoformat()}
        change: Change = Insert(key, body) if document is None else Replace(key, body, document.etag)
        (etag,) = await self._store.write([change])
        if etag is None:  # somebody was quicker: either another walk, or the same page twice
            document = (await self._store.read([key])).get(key)
            one = _read(document) if document is not None else None
            return one if one is not None and one.correlation != correlation else None
        return None

    async def end(self, table: PersonTable, correlation: str) -> None:
        """Forget a walk, unless another one is under way."""
        key = self._key(table)
        document = (await self._store.read([key])).get(key)
        if document is not None and _read(document).correlation == correlation:
            await self._store.write([Delete(key, document.etag)])

    def _key(self, table: PersonTable) -> DocumentKey:
        return DocumentKey(self._partition, table)


def _read(document: Document) -> UnderWay:
    body = document.body
    return UnderWay(
        body["correlation"], datetime.fromisoformat(body["since"]), datetime.fromisoformat(body["last_page"])
    )
