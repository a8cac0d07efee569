"""Until when a poll has handled everything, and how much time it looks at in one go.

A bookmark moves with its version: of two polls at the same time one moves it, and who starts over while a poll is under
way is not overtaken by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.ports import Delete, Document, DocumentKey, Put, Replace, StateStore

LONGEST = timedelta(hours=1)
SHORTEST = timedelta(minutes=1)
_NARROWER, _WIDER = 4, 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a poll is: everything `until` then has been handled. `window` is how much it looks at next.

    `is_open` says that a poll has begun this window and not ended it.
    """

    until: datetime
    window: timedelta
    etag: str
    is_open: bool = False


class Bookmark:
    """One bookmark of one environment."""

    def __init__(self, store: StateStore, environment: str, name: str) -> None:
        self._store = store
        self._key = DocumentKey(f"{environment}-poll", name)

    async def read(self) -> Place | None:
        """Return where it is; None before the first poll."""
        document = (await self._store.read([self._key])).get(self._key)
        return _place(document) if document else None

    async def until(self) -> datetime | None:
        """Return until when everything has been handled; None before the first poll."""
        place = await self.read()
        return place.until if place else None

    async def start_over(self, moment: datetime) -> Place:
        """Put it at a moment, wherever it is."""
        (etag,) = await self._store.write([Put(self._key, _body(moment, LONGEST))])
        return Place(moment, LONGEST, etag or "")

    async def remove(self) -> None:
        """Forget it."""
        await self._store.write([Delete(self._key)])

    async def open(self, place: Place) -> Place | None:
        """Note that the window that begins here is being handled; None if somebody has moved it meanwhile."""
        return await self._replace(place, place.until, place.window, is_open=True)

    async def move(self, place: Place, until: datetime) -> Place | None:
        """Move it on, and dare a wider window; None if somebody has moved it since `place` was read."""
        return await self._replace(place, until, min(place.window * _WIDER, LONGEST))

    async def narrow(self, place: Place) -> Place | None:
        """Stay, and look at less in one go: this window takes longer than there is time."""
        return await self._replace(place, place.until, max(place.window / _NARROWER, SHORTEST))

    async def _replace(
        self, place: Place, until: datetime, window: timedelta, *, is_open: bool = False
    ) -> Place | None:
        body = {**_body(until, window), **({"open": True} if is_open else {})}
        (etag,) = await self._store.write([Replace(self._key, body, place.etag)])
        return None if etag is None else Place(until, window, etag, is_open)


def _body(until: datetime, window: timedelta) -> dict[str, str | float]:
    return {"until": until.isoformat(), "seconds": window.total_seconds()}


def _place(document: Document) -> Place:
    window = timedelta(seconds=float(document.body.get("seconds", LONGEST.total_seconds())))
    is_open = bool(document.body.get("open", False))
    return Place(datetime.fromisoformat(str(document.body["until"])), window, document.etag, is_open)
