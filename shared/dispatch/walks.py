"""One walk over a table at a time: a request for another one returns the walk that is under way.

One document per table, in the partition `walk`: the correlation id of the walk, since when it is under way, and the
time of its last page. A walk whose message was lost counts as over after a day. If it continues all the same, as a
replayed dead letter, it does so only if no other walk has begun meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.records.records import PersonTable
from shared.domain.wording.causes.state_causes import StateCause
from shared.ports.clock import Clock
from shared.ports.documents import Body, Codec, read_one, update
from shared.ports.state import Delete, DocumentKey, StateStore

PRESUMED_OVER = timedelta(days=1)
"""A walk without a page for so long is over. A pause delays a page, but not by days."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A walk that has not ended."""

    correlation: str
    since: datetime
    last_page: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether its last page is too long ago."""
        return now - self.last_page >= PRESUMED_OVER


_CODEC = Codec(UnderWay)


class Walks:
    """The walks of one environment. Its methods raise ConnectorErrors."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-walk"

    async def begin(self, table: PersonTable, correlation: str) -> UnderWay | None:
        """Record a walk, also at each of its pages; returns the other walk that is under way, if there is one."""
        now = self._clock.now()
        other: UnderWay | None = None

        def noted(_: DocumentKey, body: Body | None) -> Body | None:
            nonlocal other
            known = _CODEC.read(body) if body else None
            is_same = known is not None and known.correlation == correlation
            other = None if is_same or known is None or known.is_over(now) else known
            since = known.since if known is not None and is_same else now
            return None if other else _CODEC.body(UnderWay(correlation, since, now))

        await update(self._store, [self._key(table)], noted, contended=StateCause.WALK_CHANGES())
        return other

    async def end(self, table: PersonTable, correlation: str) -> None:
        """Delete the note of a walk, unless another one is under way."""
        key = self._key(table)
        document = await read_one(self._store, key)
        if document is not None and document.body["correlation"] == correlation:
            await self._store.write([Delete(key, document.etag)])

    def _key(self, table: PersonTable) -> DocumentKey:
        return DocumentKey(self._partition, table)
