"""Stores notes of bounces: one document per contact, replaced only in the version that was read.

The time until which bounces are noted is stored beside the cursor of the poll (`poll` / `bounces`).
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from datetime import datetime
from uuid import UUID

from shared.domain.consent.bounces import BounceNote
from shared.domain.wording.causes.state_causes import StateCause
from shared.ports.documents import Body, Codec, pages, read_one, update
from shared.ports.state import Delete, Document, DocumentKey, Put, StateStore

_CODEC = Codec(BounceNote, outside={"external_id"}, names={"soft_bounces": "soft"})


class BounceRepository:
    """Reads and changes notes."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store = store
        self._partition = f"{environment}-bounce"
        self._moment_key = DocumentKey(f"{environment}-poll", "bounces")

    async def read(self, external_ids: Iterable[str]) -> dict[str, BounceNote]:
        """Return the notes that exist."""
        keys = [self._key(external_id) for external_id in external_ids if is_key(external_id)]
        found = await self._store.read(keys) if keys else {}
        return {key.row: _read(document) for key, document in found.items()}

    async def change(
        self, external_ids: Collection[str], change: Callable[[BounceNote], BounceNote]
    ) -> dict[str, BounceNote]:
        """Change notes, new ones included, and return them. ConflictError if other workers keep changing them."""
        done: dict[str, BounceNote] = {}

        def changed(key: DocumentKey, body: Body | None) -> Body | None:
            before = _CODEC.read(body, external_id=key.row) if body is not None else BounceNote(key.row)
            done[key.row] = change(before)
            return None if done[key.row] == before else _CODEC.body(done[key.row])

        keys = [self._key(one) for one in external_ids if is_key(one)]
        await update(self._store, keys, changed, contended=StateCause.BOUNCES_CHANGE())
        return done

    async def note_moment(self, moment: datetime) -> None:
        """Record the time up to which all bounces are noted; it never moves back."""
        known = await self.moment()
        if known is None or known < moment:
            await self._store.write([Put(self._moment_key, {"until": moment.isoformat()})])

    async def moment(self) -> datetime | None:
        """Return that time; None if there is none."""
        document = await read_one(self._store, self._moment_key)
        return datetime.fromisoformat(document.body["until"]) if document else None

    async def forget(self, external_ids: Iterable[str]) -> None:
        """Delete notes."""
        await self._store.write([Delete(self._key(external_id)) for external_id in external_ids])

    async def pages(self, *, after: str = "", size: int = 200) -> AsyncIterator[list[BounceNote]]:
        """Yield pages of notes in the order of external ids, behind `after`."""
        async for page in pages(self._store, self._partition, after=after or None, limit=size):
            yield [_read(document) for document in page]

    def _key(self, external_id: str) -> DocumentKey:
        return DocumentKey(self._partition, external_id)


def is_key(external_id: str) -> bool:
    """Whether an external id is one of ours, which are GUIDs (S2D-09). Other ids may name a person."""
    try:
        UUID(external_id)
    except ValueError:
        return False
    return True


def _read(document: Document) -> BounceNote:
    return _CODEC.read(document.body, external_id=document.key.row)
