"""The cursor of a poll: the time up to which everything is handled, the lease, and the width of the next window.

One document for each cursor, replaced in the version that was read. A poll takes a lease on the cursor; another poll
that begins meanwhile stops. The lease of a process that died expires. Of two polls at the same time, one moves the
cursor.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from shared.ports.documents import Codec, read_one, versioned
from shared.ports.state import Delete, DocumentKey, Put, StateStore

FIRST = timedelta(hours=1)
LONGEST = timedelta(days=8)
SHORTEST = timedelta(minutes=1)
_NARROWER, _WIDER = 4, 2

CONTACTS, NEW_SUBSCRIBERS = "contacts", "newcomers"
"""The cursor of the poll; the cursor of new subscribers whose import failed."""

FEW = 500
"""Contacts. The window after one with at most this many changes is wider: empty windows are joined."""


@dataclass(frozen=True, slots=True)
class CursorPosition:
    """A position: everything `until` then has been handled; `window` is the width of the next window.

    `doubtful` are external ids of contacts that a poll began to handle and did not finish: their binding may be saved,
    and their outcome not reported. `doubts_all`: an older version did not record which contacts. `held_until` is the
    end of the lease. `tried` is when the first poll began that has not moved the cursor.
    """

    until: datetime
    window: timedelta = FIRST
    doubtful: frozenset[str] = frozenset()
    doubts_all: bool = False
    held_until: datetime | None = None
    tried: datetime | None = None
    etag: str = ""

    def is_held(self, now: datetime) -> bool:
        """Whether a poll has the lease."""
        return self.held_until is not None and now < self.held_until

    def doubts(self, external_id: str) -> bool:
        """Whether a poll may have died while it handled a contact."""
        return self.doubts_all or external_id in self.doubtful

    def without(self, external_ids: Iterable[str]) -> Self:
        """Return the position without doubt about these contacts."""
        return replace(self, doubtful=self.doubtful - frozenset(external_ids))


_CODEC = Codec(
    CursorPosition,
    outside={"etag"},
    names={"window": "seconds", "doubts_all": "open", "held_until": "held"},
    omits_defaults=True,
)


class PollCursor:
    """One cursor of one environment."""

    def __init__(self, store: StateStore, environment: str, name: str) -> None:
        self._store = store
        self._key = DocumentKey(f"{environment}-poll", name)

    async def read(self) -> CursorPosition | None:
        """Return the position; None before the first poll."""
        document = await read_one(self._store, self._key)
        return _CODEC.read(document.body, etag=document.etag) if document else None

    async def until(self) -> datetime | None:
        """Return the time up to which everything is handled; None before the first poll."""
        position = await self.read()
        return position.until if position else None

    async def start_over(self, moment: datetime) -> CursorPosition:
        """Put the cursor at a moment, whatever its position."""
        position = CursorPosition(moment)
        (etag,) = await self._store.write([Put(self._key, _CODEC.body(position))])
        return replace(position, etag=etag or "")

    async def begin(self, moment: datetime) -> CursorPosition | None:
        """Put the cursor at a moment if there is none; None if another worker was faster."""
        return await self._write(CursorPosition(moment))

    async def remove(self) -> None:
        """Delete the cursor."""
        await self._store.write([Delete(self._key)])

    async def take(self, position: CursorPosition, now: datetime, held_until: datetime) -> CursorPosition | None:
        """Take the lease; None if another worker has changed the cursor since `position` was read."""
        return await self._write(replace(position, held_until=held_until, tried=position.tried or now))

    async def hold(
        self, position: CursorPosition, held_until: datetime, doubtful: Iterable[str] = ()
    ) -> CursorPosition | None:
        """Extend the lease, and record the contacts that are about to be handled; None if the lease is lost."""
        return await self._write(
            replace(position, held_until=held_until, doubtful=position.doubtful | frozenset(doubtful))
        )

    async def move(self, position: CursorPosition, until: datetime, *, changes: int) -> CursorPosition | None:
        """Move the cursor; widen the window after few `changes`. None if another worker has changed the cursor."""
        widest = LONGEST if changes <= FEW else max(FIRST, position.window)
        window = min(position.window * _WIDER, widest)
        moved = replace(position, until=until, window=window, doubtful=frozenset(), doubts_all=False, tried=None)
        return await self._write(moved)

    async def rewind(self, position: CursorPosition, until: datetime) -> CursorPosition | None:
        """Put a cursor that is ahead of the clock back; None if another worker has changed it."""
        return await self._write(replace(position, until=until, window=FIRST))

    async def narrow(self, position: CursorPosition) -> CursorPosition | None:
        """Stay, and narrow the window: the current one takes longer than a poll has."""
        return await self._write(replace(position, window=max(position.window / _NARROWER, SHORTEST)))

    async def release(self, position: CursorPosition) -> None:
        """Return the lease, unless another poll has taken it."""
        await self._write(replace(position, held_until=None))

    async def _write(self, position: CursorPosition) -> CursorPosition | None:
        (etag,) = await self._store.write([versioned(self._key, _CODEC.body(position), position.etag)])
        return None if etag is None else replace(position, etag=etag)
