"""Encrypts every stored fingerprint with the current key, page by page. An interruption does no harm.

The progress is the document `rekey` of the partition `{environment}-keys`: the target version, the partition, the row
after which to continue, and the number of documents that this walk and all walks have moved.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.adapters.storage.keys.key_register import CHECK_INTERVAL, KeyRegister
from shared.adapters.storage.keys.key_ring import KeyRing, version_of
from shared.adapters.storage.keys.sealed import SealedStore
from shared.domain.records.fingerprint_places import FingerprintPlace
from shared.ports.clock import Clock
from shared.ports.documents import Codec, read_one
from shared.ports.state import Document, DocumentKey, Put, Replace, StateStore

PAGE = 500
_ALL_PROCESSES_KNOW = 2 * CHECK_INTERVAL
"""After that, no process writes with the former key: a walk that begins then sees all earlier writes."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress. `moved` counts the documents so far; `is_done`: no fingerprint of a former key is stored."""

    version: int
    partition: str = ""
    after: str = ""
    began: datetime | None = None
    moved: int = 0
    moved_in_walk: int = 0
    is_done: bool = False
    wait: timedelta = timedelta(0)
    """The time to wait before the next step, so that the last walk can begin."""


_PROGRESS = Codec(Progress, outside=("is_done", "wait"), names={"moved_in_walk": "movedInWalk"})


class Rekeying:
    """Moves the fingerprints of one environment to the current key. Raises ConnectorErrors of the state store."""

    def __init__(
        self,
        store: StateStore,
        register: KeyRegister,
        places: Mapping[str, FingerprintPlace],
        clock: Clock,
        environment: str,
        *,
        page: int = PAGE,
    ) -> None:
        """`store` is the plain one, without encryption."""
        self._store = store
        self._register = register
        self._places = places
        self._sealed = SealedStore(store, register, places)
        self._clock = clock
        self._key = DocumentKey(f"{environment}-keys", "rekey")
        self._page = page

    async def step(self) -> Progress:
        """Move one page, and return the progress. A repetition after a crash does no harm."""
        ring = await self._register.ring()
        if not ring.is_changing:
            return Progress(ring.version, is_done=True)
        progress = await self._progress(ring.version)
        if progress.began is None:
            progress = replace(progress, began=self._clock.now(), partition=min(self._places))
        page = await self._store.scan(progress.partition, after=progress.after or None, limit=self._page)
        moved = sum([await self._move(ring, one) for one in page.documents])
        progress = replace(
            progress, moved=progress.moved + moved, moved_in_walk=progress.moved_in_walk + moved, after=page.after or ""
        )
        if page.after is None:
            progress = await self._next_partition(progress)
        await self._store.write([Put(self._key, _PROGRESS.body(progress))])
        return progress

    async def _next_partition(self, progress: Progress) -> Progress:
        following = [partition for partition in sorted(self._places) if partition > progress.partition]
        if following:
            return replace(progress, partition=following[0])
        ended = replace(progress, partition="", began=None, moved_in_walk=0)
        known_by_all = await self._register.since() + _ALL_PROCESSES_KNOW
        if progress.moved_in_walk:
            return ended
        if progress.began is None or progress.began < known_by_all:
            return replace(ended, wait=max(timedelta(0), known_by_all - self._clock.now()))
        await self._register.finished(progress.version)
        return replace(ended, is_done=True)

    async def _move(self, ring: KeyRing, document: Document) -> bool:
        """Move a document; return whether it had a former key. A concurrent writer of it moves it as well."""
        place = self._places[document.key.partition]
        versions = {version_of(text) for text in place.prints(document.key.row, document.body)} - {None, ring.version}
        if not versions or _is_claimed(document, self._clock.now()):
            return bool(versions)
        if place.join is not None:
            await self._sealed.move(ring, DocumentKey(document.key.partition, ring.open(document.key.row)))
        elif place.rewrite is not None:
            body = place.rewrite(document.body, lambda text: ring.seal(ring.open(text)))
            await self._store.write([Replace(document.key, body, document.etag)])
        return True

    async def _progress(self, version: int) -> Progress:
        document = await read_one(self._store, self._key)
        if document is None or document.body["version"] != version:
            return Progress(version)
        return _PROGRESS.read(document.body)


def _is_claimed(document: Document, now: datetime) -> bool:
    """Return whether a worker holds a claim on a contact: at its end, it replaces the document that it has read."""
    claim = document.body.get("claim")
    return claim is not None and datetime.fromisoformat(claim["until"]) > now
