"""Stores what is remembered of each person, and what the score columns of the record show.

| document | key | holds |
|---|---|---|
| `engaged` | external id | events by mailing: kind, time, detail; score of forgotten ones; opt-out; shown score, mark |
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.engagement.events import Event, EventKind
from shared.domain.engagement.people import PersonMemory
from shared.domain.engagement.scores import Score, ScoreState
from shared.domain.records.records import RecordKey
from shared.domain.wording.causes.state_causes import StateCause
from shared.errors import ConflictError, Service
from shared.ports.documents import pages, versioned
from shared.ports.state import Delete, Document, DocumentKey, StateStore

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class ShownScore:
    """The score that a record shows."""

    record: RecordKey
    score: Score | None
    """None while it is being written: a worker that died may have written it, or not."""


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """A memory as it is stored; `etag` is "" for a new one. `mark` names the weights of its score and rows."""

    memory: PersonMemory
    shown: ShownScore | None = None
    mark: str = ""
    etag: str = ""


class Memories:
    """Reads and writes the documents of one environment."""

    def __init__(self, store: StateStore, environment: str) -> None:
        self._store = store
        self._partition = f"{environment}-engaged"

    async def read(self, external_ids: Iterable[str]) -> dict[str, StoredMemory]:
        """Return the memory of each person; an empty one for a person who is not known yet."""
        keys = [DocumentKey(self._partition, one) for one in dict.fromkeys(external_ids)]
        found = await self._store.read(keys) if keys else {}
        return {key.row: _read(found[key]) if key in found else StoredMemory(PersonMemory(key.row)) for key in keys}

    async def save(self, changed: Sequence[StoredMemory]) -> Mapping[str, str]:
        """Write memories in the versions that were read; returns the new etags by external id.

        ConflictError if another worker has changed one meanwhile.
        """
        if not changed:
            return {}
        writes = [versioned(self._key(one), _body(one), one.etag) for one in changed]
        etags: dict[str, str] = {}
        for one, etag in zip(changed, await self._store.write(writes), strict=True):
            if etag is None:
                raise ConflictError(StateCause.INTERACTIONS_CHANGE(), service=Service.STATE)
            etags[one.memory.external_id] = etag
        return etags

    async def forget(self, external_ids: Iterable[str]) -> None:
        """Delete what is remembered of people."""
        await self._store.write([Delete(DocumentKey(self._partition, one)) for one in external_ids])

    async def pages(self, *, after: str = "", size: int = 200) -> AsyncIterator[list[StoredMemory]]:
        """Yield all memories in pages, in the order of external ids, behind `after`."""
        async for page in pages(self._store, self._partition, after=after or None, limit=size):
            if page:
                yield [_read(document) for document in page]

    def _key(self, stored: StoredMemory) -> DocumentKey:
        return DocumentKey(self._partition, stored.memory.external_id)


def with_shown(stored: StoredMemory, shown: ShownScore | None, mark: str) -> StoredMemory:
    """Note the score that was written."""
    return replace(stored, shown=shown, mark=mark)


def _body(stored: StoredMemory) -> dict[str, Any]:
    memory = stored.memory
    body: dict[str, Any] = {"mailings": {name: _events(events) for name, events in sorted(memory.mailings.items())}}
    if memory.base != ScoreState():
        at = memory.base.at
        body["base"] = [memory.base.total, memory.base.recent, None if at is None else _stamp(at)]
    if memory.opted_out is not None:
        body["optedOut"] = _stamp(memory.opted_out)
    if memory.suspect_times:
        body["crowd"] = {name: sorted(map(_stamp, times)) for name, times in sorted(memory.suspect_times.items())}
    if stored.shown is not None:
        score = stored.shown.score
        numbers = [None, None] if score is None else [score.engagement, score.recent]
        body["shown"] = [str(stored.shown.record), *numbers]
    if stored.mark:
        body["mark"] = stored.mark
    return body


def _read(document: Document) -> StoredMemory:
    body = document.body
    base, shown = body.get("base"), body.get("shown")
    memory = PersonMemory(
        document.key.row,
        mailings={name: frozenset(map(_event, texts)) for name, texts in body.get("mailings", {}).items()},
        base=ScoreState(base[0], base[1], None if base[2] is None else _moment(base[2])) if base else ScoreState(),
        opted_out=_moment(body["optedOut"]) if "optedOut" in body else None,
        suspect_times={name: frozenset(map(_moment, times)) for name, times in body.get("crowd", {}).items()},
    )
    return StoredMemory(
        memory,
        _shown(*shown) if shown else None,
        body.get("mark", ""),
        document.etag,
    )


def _shown(record: str, engagement: int | None, recent: int | None) -> ShownScore:
    score = None if engagement is None or recent is None else Score(engagement, recent)
    return ShownScore(RecordKey.parse(record), score)


def _events(events: Iterable[Event]) -> Sequence[str]:
    return [f"{one.kind}{_stamp(one.at)}:{one.detail}" for one in sorted(events)]


def _event(text: str) -> Event:
    stamp, _, detail = text[1:].partition(":")
    return Event(_moment(int(stamp)), EventKind(text[0]), detail)


def _stamp(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND


def _moment(stamp: int) -> datetime:
    return _EPOCH + stamp * _MILLISECOND
