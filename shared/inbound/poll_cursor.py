"""Until when a poll has handled everything, who polls now, and how much time a poll looks at in one go.

One document, changed only with its version. A poll takes a lease on it: another poll that begins meanwhile sees that
and stops. A lease that its process left behind ends by itself. Of two polls at the same time one moves the bookmark.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.ports.documents import Codec, read_one, versioned
from shared.ports.state import Delete, DocumentKey, Put, StateStore

FIRST = timedelta(hours=1)
LONGEST = timedelta(days=8)
SHORTEST = timedelta(minutes=1)
_NARROWER, _WIDER = 4, 2

CONTACTS, NEW_SUBSCRIBERS = "contacts", "newcomers"
"""The bookmark of the poll; where new subscribers wait that could not be taken in."""

FEW = 500
"""Contacts. After a window with at most so many changes the next one is wider: empty windows are joined."""


@dataclass(frozen=True, slots=True)
class CursorPosition:
    """Where a poll is: everything `until` then has been handled. `window` is how much it looks at next.

    `doubtful` are external ids of contacts that a poll began to handle and did not end: their agreement may be
    remembered, and not reported. `doubts_all`: written by a version that did not note which. `held_until` is the end of
    the lease of the poll under way. `tried` is when the first poll began that has not moved the bookmark.
    """

    until: datetime
    window: timedelta = FIRST
    doubtful: frozenset[str] = frozenset()
    doubts_all: bool = False
    held_until: datetime | None = None
    tried: datetime | None = None
    etag: str = ""

    def is_held(self, now: datetime) -> bool:
        """Whether a poll is under way."""
        return self.held_until is not None and now < self.held_until

    def doubts(self, external_id: str) -> bool:
        """Whether a poll may have died while it handled a contact."""
        return self.doubts_all or external_id in self.doubtful

    def without(self, external_ids: Iterable[str]) -> CursorPosition:
        """Return the same place without doubt about contacts that were handled to the end."""
        return replace(self, doubtful=self.doubtful - frozenset(external_ids))


_CODEC = Codec(
    CursorPosition,
    outside={"etag"},
    names={"window": "seconds", "doubts_all": "open", "held_until": "held"},
    omits_defaults=True,
)


class PollCursor:
    """One bookmark of one environment."""

    def __init__(self, store: StateStore, environment: str, name: str) -> None:
        self._store = store
        self._key = DocumentKey(f"{environment}-poll", name)

    async def read(self) -> CursorPosition | None:
        """Return where it is; None before the first poll."""
        document = await read_one(self._store, self._key)
        return _CODEC.read(document.body, etag=document.etag) if document else None

    async def until(self) -> datetime | None:
        """Return until when everything has been handled; None before the first poll."""
        position = await self.read()
        return position.until if position else None

    async def start_over(self, moment: datetime) -> CursorPosition:
        """Put it at a moment, wherever it is."""
        position = CursorPosition(moment)
        (etag,) = await self._store.write([Put(self._key, _CODEC.body(position))])
        return replace(position, etag=etag or "")

    async def begin(self, moment: datetime) -> CursorPosition | None:
        """Put it at a moment if there is none yet; None if somebody else was quicker."""
        return await self._write(CursorPosition(moment))

    async def remove(self) -> None:
        """Forget it."""
        await self._store.write([Delete(self._key)])

    async def take(self, position: CursorPosition, now: datetime, held_until: datetime) -> CursorPosition | None:
        """Take the lease; None if somebody has changed the bookmark since `position` was read."""
        return await self._write(replace(position, held_until=held_until, tried=position.tried or now))

    async def hold(
        self, position: CursorPosition, held_until: datetime, doubtful: Iterable[str] = ()
    ) -> CursorPosition | None:
        """Go on with the lease, and note which contacts are about to be handled; None if the lease is lost."""
        return await self._write(
            replace(position, held_until=held_until, doubtful=position.doubtful | frozenset(doubtful))
        )

    async def move(self, position: CursorPosition, until: datetime, *, changes: int) -> CursorPosition | None:
        """Move it on; dare a wider window after few `changes`. None if somebody has changed it meanwhile."""
        widest = LONGEST if changes <= FEW else max(FIRST, position.window)
        window = min(position.window * _WIDER, widest)
        moved = replace(position, until=until, window=window, doubtful=frozenset(), doubts_all=False, tried=None)
        return await self._write(moved)

    async def rewind(self, position: CursorPosition, until: datetime) -> CursorPosition | None:
        """Put a bookmark that is ahead of the clock back; None if somebody has changed it meanwhile."""
        return await self._write(replace(position, until=until, window=FIRST))

    async def narrow(self, position: CursorPosition) -> CursorPosition | None:
        """Stay, and look at less in one go: this window takes longer than there is time."""
        return await self._write(replace(position, window=max(position.window / _NARROWER, SHORTEST)))

    async def release(self, position: CursorPosition) -> None:
        """Give the lease back; whoever has taken it over keeps it."""
        await self._write(replace(position, held_until=None))

    async def _write(self, position: CursorPosition) -> CursorPosition | None:
        (etag,) = await self._store.write([versioned(self._key, _CODEC.body(position), position.etag)])
        return None if etag is None else replace(position, etag=etag)
