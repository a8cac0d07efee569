"""The consent ledger: every change of consent, once, for the retention time. Entries never change.

Three kinds of documents:

- `consent-2026-11`, one per change, by time: an export reads these. A partition per month lets old entries be deleted
  by month, and keeps partitions small;
- `consent-of-0` … `consent-of-f`, one per change, by record: the index for one person. It also shows whether a change
  was recorded before: the first time counts;
- `consent-months`, one per month that has entries.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.consent.changes import ConsentChange, sortable
from shared.domain.records.records import RecordKey
from shared.ports.clock import Clock
from shared.ports.documents import Codec, documents, pages
from shared.ports.state import Change, Delete, Document, DocumentKey, Insert, Put, StateStore

_MONTH = len("2026-11")
_PAGE = 1000
_MOST_FORGOTTEN = 50_000
"""Entries per run, so that it ends within the time-out of a function; the next night continues."""


_CODEC = Codec(ConsentChange, outside={"at", "is_renewed"}, names={"external_id": "externalId"})
"""The key holds `at`: the time when the change was first recorded."""


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of an export; `following` is where the next one begins, "" at the end."""

    changes: Sequence[ConsentChange]
    following: str


class ConsentLedger:
    """Writes, reads and deletes the entries of one environment."""

    def __init__(
        self, store: StateStore, clock: Clock, environment: str, *, retention: timedelta | None = None
    ) -> None:
        """`retention` is how long entries are kept; None for ever."""
        self._store = store
        self._clock = clock
        self._retention = retention
        self._prefix = f"{environment}-consent"
        self._months: set[str] = set()

    # ------------------------------------------------------------------------------------------------------- writing

    async def record(self, changes: Sequence[ConsentChange]) -> None:
        """Record changes, all in two writes. Raises ConnectorErrors; a repetition counts once.

        A change that was recorded before keeps its first time, even if a crash left some of its documents unwritten.
        """
        if not changes:
            return
        entries: dict[DocumentKey, ConsentChange] = {}
        digests: dict[DocumentKey, str] = {}
        moments: dict[DocumentKey, str] = {}
        for change in changes:
            digest = change.digest
            key = self._index_key(change.record, digest)
            entries[key], digests[key], moments[key] = change, digest, change.moment
        months = {moment[:_MONTH] for moment in moments.values()} - self._months
        news: list[Change] = [Put(self._month_key(month), {}) for month in sorted(months)]
        news += [Insert(key, {"at": moment}) for key, moment in moments.items()]
        results = await self._store.write(news)
        self._months |= months
        repeated = [one.key for one, etag in zip(news, results, strict=True) if etag is None]
        known = await self._store.read(repeated) if repeated else {}
        moments |= {key: str(document.body["at"]) for key, document in known.items()}
        await self._store.write(
            [
                Insert(self._entry_key(moments[key], digests[key]), _CODEC.body(change))
                for key, change in entries.items()
            ]
        )
        if repeated:
            await self._renew([entries[key] for key in repeated])

    async def _renew(self, repeated: Sequence[ConsentChange]) -> None:
        """Record a change again if the opposite was recorded meanwhile.

        A message may be repeated after such a reversal.
        """
        renewed: list[ConsentChange] = []
        for change in repeated:
            latest = next((one for one in await self.of_record(change.record) if one.subject == change.subject), None)
            if latest is not None and latest.new is not change.new:
                renewed.append(replace(change, is_renewed=True))
        await self.record(renewed)

    # ------------------------------------------------------------------------------------------------------- reading

    async def of_record(self, key: RecordKey, limit: int = 20) -> Sequence[ConsentChange]:
        """Return the last changes of one record, newest first: one scan and one read."""
        places = await self._places(key)
        return await self._changes(sorted(places, key=lambda place: place.row, reverse=True)[:limit])

    async def export(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        record: RecordKey | None = None,
        after: str = "",
    ) -> AsyncIterator[Sequence[ConsentChange]]:
        """Stream pages of changes by time, from `since` up to before `until`, of all records or of one.

        `after` is the `cursor` of a change: the export continues behind it.
        """
        first = max(sortable(since) if since else "", after)
        beyond = sortable(until) if until else ""
        found = self._pages_of(record, first) if record else self._pages(first, beyond)
        async for page in found:
            wanted = [one for one in page if not beyond or one.key.row < beyond]
            if wanted:
                yield [_change(one) for one in wanted]

    async def portion(
        self,
        *,
        limit: int,
        since: datetime | None = None,
        until: datetime | None = None,
        record: RecordKey | None = None,
        after: str = "",
    ) -> Portion:
        """Return as much of an export as an answer may hold."""
        changes: list[ConsentChange] = []
        async for page in self.export(since=since, until=until, record=record, after=after):
            changes += page
            if len(changes) > limit:
                return Portion(changes[:limit], cursor(changes[limit - 1]))
        return Portion(changes, "")

    async def _pages(self, first: str, beyond: str) -> AsyncIterator[Sequence[Document]]:
        for month in await self._months_from(first[:_MONTH]):
            if beyond and month > beyond[:_MONTH]:
                return
            async for page in pages(self._store, self._month_partition(month), after=first or None):
                if beyond and page and page[0].key.row >= beyond:
                    return
                yield page

    async def _pages_of(self, record: RecordKey, first: str) -> AsyncIterator[Sequence[Document]]:
        places = sorted(place for place in await self._places(record) if place.row > first)
        for start in range(0, len(places), _PAGE):
            found = await self._store.read(places[start : start + _PAGE])
            yield [found[place] for place in places[start : start + _PAGE] if place in found]

    async def _places(self, record: RecordKey) -> list[DocumentKey]:
        """Find the entries of one record."""
        found = documents(self._store, self._index_partition(record), prefix=f"{record}|")
        return [self._entry_of(one) async for one in found]

    def _entry_of(self, index: Document) -> DocumentKey:
        return self._entry_key(str(index.body["at"]), index.key.row.rpartition("|")[2])

    async def _changes(self, places: Sequence[DocumentKey]) -> list[ConsentChange]:
        found = await self._store.read(places) if places else {}
        return [_change(found[place]) for place in places if place in found]

    async def _months_from(self, first: str) -> list[str]:
        found = documents(self._store, f"{self._prefix}-months")
        return [one.key.row async for one in found if one.key.row >= first]

    # ---------------------------------------------------------------------------------------------------- forgetting

    async def remove(self, record: RecordKey) -> int:
        """Delete all entries of a record; return how many.

        The index is deleted last: after a crash it leads a repetition to the remaining entries.
        """
        count = 0
        async for page in pages(self._store, self._index_partition(record), prefix=f"{record}|"):
            await self._store.write([Delete(self._entry_of(one)) for one in page])
            await self._store.write([Delete(one.key) for one in page])
            count += len(page)
        return count

    async def forget_old(self) -> int:
        """Delete entries older than the retention time, the oldest first; return how many.

        A crash repeats a page. One run deletes at most 50 000 entries: call it every night.
        """
        if self._retention is None:
            return 0
        beyond = sortable(self._clock.now() - self._retention)
        count = 0
        for month in await self._months_from(""):
            if month > beyond[:_MONTH]:
                break
            async for page in pages(self._store, self._month_partition(month)):
                old = [one for one in page if one.key.row < beyond]
                await self._delete(old)
                count += len(old)
                if len(old) < len(page) or count >= _MOST_FORGOTTEN:
                    return count
            if month < beyond[:_MONTH]:
                await self._store.write([Delete(self._month_key(month))])
                self._months.discard(month)
        return count

    async def _delete(self, entries: Sequence[Document]) -> None:
        """Delete index documents first: an entry that remains leads to its index document."""
        changes = [(one, _change(one)) for one in entries]
        await self._store.write(
            [Delete(self._index_key(change.record, one.key.row.rpartition("|")[2])) for one, change in changes]
        )
        await self._store.write([Delete(one.key) for one in entries])

    # ---------------------------------------------------------------------------------------------------------- keys

    def _index_partition(self, record: RecordKey) -> str:
        return f"{self._prefix}-of-{hashlib.sha256(str(record).encode()).hexdigest()[0]}"

    def _index_key(self, record: RecordKey, digest: str) -> DocumentKey:
        return DocumentKey(self._index_partition(record), f"{record}|{digest}")

    def _entry_key(self, moment: str, digest: str) -> DocumentKey:
        return DocumentKey(self._month_partition(moment[:_MONTH]), f"{moment}|{digest}")

    def _month_partition(self, month: str) -> str:
        return f"{self._prefix}-{month}"

    def _month_key(self, month: str) -> DocumentKey:
        return DocumentKey(f"{self._prefix}-months", month)


def cursor(change: ConsentChange) -> str:
    """Return where an export continues behind this change."""
    return f"{change.moment}|{change.digest}"


def as_rows(changes: Iterable[ConsentChange]) -> list[dict[str, str]]:
    """Return changes as flat rows: the columns of the CSV, and of `GET /api/explain`."""
    return [{"at": change.moment, **_CODEC.body(change)} for change in changes]


COLUMNS = ("at", "record", "externalId", "subject", "old", "new", "source", "correlation")
"""The columns of an export, in order."""


def _change(document: Document) -> ConsentChange:
    return _CODEC.read(document.body, at=document.key.row.partition("|")[0])
