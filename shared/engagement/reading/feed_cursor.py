"""Where the reading of events is: until when all is kept, the window under way, and the position in it.

One document, replaced in the version that was read. A worker takes a lease on it; another worker that begins meanwhile
stops. The lease of a worker that died expires. A window that takes longer than a step is continued behind its last
page.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from shared.domain.consent.changes import sortable
from shared.domain.engagement.events import EventKind
from shared.domain.wording.causes.state_causes import StateCause
from shared.errors import ConflictError, Service
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one, versioned
from shared.ports.state import DocumentKey, StateStore

LONGEST_WINDOW = timedelta(hours=24)
"""The longest span that the platform is known to answer."""

OVERLAP = timedelta(minutes=15)
"""Each window begins this much earlier, for events that are dated late or by another clock."""


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """All events noted `until` then are kept. `edge` is the end of the window under way, None between windows.

    `kind` and `after` are the position in that window. `consent` is where the consent ledger is read on.
    `tried` is when the first step began that has not moved `until`.
    """

    until: datetime
    edge: datetime | None = None
    kind: EventKind | None = None
    after: str = ""
    consent: str = ""
    held_until: datetime | None = None
    tried: datetime | None = None
    etag: str = ""

    def window(self, now: datetime) -> Self:
        """Return the position with a window: the one under way, or the next one."""
        return self if self.edge is not None else replace(self, edge=min(self.until + LONGEST_WINDOW, now))

    @property
    def begin(self) -> datetime:
        """Where the window begins."""
        return self.until - OVERLAP


_CODEC = Codec(FeedPosition, outside={"etag"}, omits_defaults=True)


class FeedCursor:
    """The cursor of one environment."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store = store
        self._key = DocumentKey(f"{environment}-engagement", "feed")

    async def read(self) -> FeedPosition | None:
        """Return the position; None before the first step."""
        document = await read_one(self._store, self._key)
        return _CODEC.read(document.body, etag=document.etag) if document else None

    async def write(self, position: FeedPosition) -> FeedPosition:
        """Write a position. ConflictError if another worker has moved the cursor."""
        (etag,) = await self._store.write([versioned(self._key, _CODEC.body(position), position.etag)])
        if etag is None:
            raise ConflictError(StateCause.INTERACTIONS_READ(), service=Service.STATE)
        return replace(position, etag=etag)


class FeedLease:
    """The cursor while one worker has the lease."""

    def __init__(self, cursor: FeedCursor, position: FeedPosition, clock: Clock, lasts: timedelta) -> None:
        self._cursor = cursor
        self._clock = clock
        self._lasts = lasts
        self.position = position

    @classmethod
    async def take(cls, cursor: FeedCursor, clock: Clock, lasts: timedelta, *, first: datetime) -> "FeedLease":
        """Take the lease. ConflictError while another worker has it. `first` is where the very first window begins."""
        now = clock.now()
        position = await cursor.read() or FeedPosition(first, consent=sortable(first))
        if position.held_until is not None and now < position.held_until:
            raise ConflictError(StateCause.INTERACTIONS_READ(), service=Service.STATE)
        if position.until > now:  # the clock was wrong, and is right now
            position = replace(position, until=now - OVERLAP, edge=None, kind=None, after="")
        lease = cls(cursor, position, clock, lasts)
        await lease.save(replace(position, tried=position.tried or now))
        return lease

    async def save(self, position: FeedPosition) -> None:
        """Write a position, and extend the lease."""
        self.position = await self._cursor.write(replace(position, held_until=self._clock.now() + self._lasts))

    async def release(self) -> None:
        """Return the lease."""
        self.position = await self._cursor.write(replace(self.position, held_until=None))
