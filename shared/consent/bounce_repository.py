"""Where notes of bounces are kept: one small document per Spotler contact, changed with its version."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.domain.consent.bounces import BounceKind, BounceNote
from shared.domain.records.records import RecordKey
from shared.errors import ConflictError, Service
from shared.ports.state import Change, Delete, Document, DocumentKey, Insert, Put, Replace, StateStore

_PATIENCE = 5
"""How often a change is tried again that somebody else was quicker with."""


class BounceRepository:
    """Reads and changes notes."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store = store
        self._partition = f"{environment}-bounce"
        self._moment_key = DocumentKey(f"{environment}-poll", "bounces")

    async def read(self, external_ids: Iterable[str]) -> dict[str, BounceNote]:
        """Return the notes that there are."""
        documents = await self._documents(external_ids)
        return {external_id: _note(document) for external_id, document in documents.items()}

    async def change(
        self, external_ids: Collection[str], change: Callable[[BounceNote], BounceNote]
    ) -> dict[str, BounceNote]:
        """Change notes, new ones from nothing, and return them as they are now. ConflictError if others never rest."""
        done: dict[str, BounceNote] = {}
        waiting = list(dict.fromkeys(external_ids))
        for _ in range(_PATIENCE):
            if not waiting:
                return done
            documents = await self._documents(waiting)
            writes: dict[str, Change] = {}
            for external_id in waiting:
                document = documents.get(external_id)
                before = _note(document) if document else BounceNote(external_id)
                done[external_id] = change(before)
                if done[external_id] != before:
                    key, body = self._key(external_id), _body(done[external_id])
                    writes[external_id] = Replace(key, body, document.etag) if document else Insert(key, body)
            etags = await self._store.write(list(writes.values())) if writes else []
            waiting = [one for one, etag in zip(writes, etags, strict=True) if etag is None]
        if waiting:
            raise ConflictError("notes of bounces are being changed by others", service=Service.STATE)
        return done

    async def note_moment(self, moment: datetime) -> None:
        """Remember until when all bounces have been noted; it never moves back."""
        known = await self.moment()
        if known is None or known < moment:
            await self._store.write([Put(self._moment_key, {"until": moment.isoformat()})])

    async def moment(self) -> datetime | None:
        """Return that moment; None if there was none."""
        document = (await self._store.read([self._moment_key])).get(self._moment_key)
        return _moment(document.body["until"]) if document else None

    async def forget(self, external_ids: Iterable[str]) -> None:
        """Remove notes."""
        await self._store.write([Delete(self._key(external_id)) for external_id in external_ids])

    async def pages(self, *, after: str = "", size: int = 200) -> AsyncIterator[list[BounceNote]]:
        """Walk all notes in the order of external ids, behind `after`."""
        following: str | None = after or None
        while True:
            page = await self._store.scan(self._partition, after=following, limit=size)
            yield [_note(document) for document in page.documents]
            if (following := page.after) is None:
                return

    async def _documents(self, external_ids: Iterable[str]) -> dict[str, Document]:
        places = [self._key(external_id) for external_id in external_ids if is_key(external_id)]
        found = await self._store.read(places) if places else {}
        return {place.row: document for place, document in found.items()}

    def _key(self, external_id: str) -> DocumentKey:
        return DocumentKey(self._partition, external_id)


def is_key(external_id: str) -> bool:
    """Whether a contact can be one of ours, whose ids are GUIDs (S2D-09). What others gave may name a person."""
    try:
        UUID(external_id)
    except ValueError:
        return False
    return True


def _body(note: BounceNote) -> dict[str, Any]:
    return {
        "kind": str(note.kind),
        "since": _text(note.since),
        "last": _text(note.last),
        "mailing": note.mailing,
        "soft": note.soft_bounces,
        "address": note.address,
        "reachable": note.reachable,
        "closed": _text(note.closed),
        "solved": _text(note.solved),
        "seen": list(note.seen),
        "tasks": {str(record): str(task) for record, task in note.tasks.items()},
        "done": [str(task) for task in note.done],
    }


def _note(document: Document) -> BounceNote:
    body: Mapping[str, Any] = document.body
    return BounceNote(
        external_id=document.key.row,
        kind=BounceKind(body["kind"]),
        since=_moment(body["since"]),
        last=_moment(body["last"]),
        mailing=body["mailing"],
        soft_bounces=body["soft"],
        address=body["address"],
        reachable=body["reachable"],
        closed=_moment(body.get("closed")),
        solved=_moment(body["solved"]),
        seen=tuple(body["seen"]),
        tasks={RecordKey.parse(record): UUID(task) for record, task in body["tasks"].items()},
        done=tuple(UUID(task) for task in body["done"]),
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
