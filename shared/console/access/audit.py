"""The audit log: who did what, when, on what, and with which result. Ids, codes and counts, never values.

One document per act in the partition `console-audit`, by time; kept for a year.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from shared.domain.values.texts import bounded_id
from shared.ports.clock import Clock
from shared.ports.documents import Codec, pages
from shared.ports.state import Delete, DocumentKey, Insert, StateStore

_KEPT = timedelta(days=366)
_MOST_DELETED = 200
_PAGE = 500
_DONE = "ok"
_END = 253_402_300_799
"""The last second of the year 9999."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. `subject` is a record key, an id or a code; `result` is `ok` or a code of what went wrong."""

    at: datetime
    user: str
    role: str
    act: str
    subject: str = ""
    result: str = _DONE


_CODEC = Codec(AuditEntry)


@dataclass(frozen=True, slots=True)
class AuditChoice:
    """What an act must have; None, or an empty text, lets all pass.

    `subject` is a record key, an id or a code, or a part of one; so is `user`.
    """

    act: str = ""
    user: str = ""
    subject: str = ""
    since: datetime | None = None
    is_refused: bool | None = None

    def includes(self, entry: AuditEntry) -> bool:
        """Whether the act has all that was chosen."""
        return (
            (not self.act or entry.act == self.act)
            and self.user.lower() in entry.user.lower()
            and self.subject.lower() in entry.subject.lower()
            and (self.since is None or entry.at >= self.since)
            and (self.is_refused is None or (entry.result != _DONE) is self.is_refused)
        )


class AuditLog:
    """Writes and reads the acts of one environment."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-console-audit"

    async def note(self, user: str, role: str, act: str, subject: str = "", result: str = _DONE) -> None:
        """Write an act. A subject that is no id is not written."""
        at = self._clock.now()
        entry = AuditEntry(at, user, role, act, bounded_id(subject) or "", result)
        await self._store.write([Insert(self._key(at, uuid4().hex[:8]), _CODEC.body(entry))])

    async def latest(
        self, choice: AuditChoice | None = None, *, after: str = "", limit: int = 50
    ) -> tuple[list[AuditEntry], str]:
        """Return a page of the acts that were chosen, newest first, and where the next page begins; "" at the end."""
        found: list[AuditEntry] = []
        last = ""
        async for row, entry in self._rows(after):
            if choice is None or choice.includes(entry):
                if len(found) == limit:
                    return found, last
                found.append(entry)
                last = row
        return found, ""

    async def every(self, choice: AuditChoice | None = None) -> AsyncIterator[AuditEntry]:
        """Yield every act that was chosen, newest first."""
        async for _, entry in self._rows(""):
            if choice is None or choice.includes(entry):
                yield entry

    async def _rows(self, after: str) -> AsyncIterator[tuple[str, AuditEntry]]:
        async for documents in pages(self._store, self._partition, after=after or None, limit=_PAGE):
            for one in documents:
                yield one.key.row, _CODEC.read(one.body)

    async def tidy(self) -> None:
        """Delete acts that are older than a year."""
        oldest = self._key(self._clock.now() - _KEPT, "")
        page = await self._store.scan(self._partition, after=oldest.row, limit=_MOST_DELETED)
        await self._store.write([Delete(one.key) for one in page.documents])

    def _key(self, at: datetime, suffix: str) -> DocumentKey:
        """Rows count down, so that a scan meets the newest act first."""
        return DocumentKey(self._partition, f"{int((_END - at.timestamp()) * 1000):015d}-{suffix}")
