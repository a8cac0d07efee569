"""The audit log: who did what, when, on what, and with which result. Ids, codes and counts, never values.

One document per act in the partition `console-audit`, by time; kept for a year.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from shared.domain.values.texts import bounded_id
from shared.ports.clock import Clock
from shared.ports.documents import Codec
from shared.ports.state import Delete, DocumentKey, Insert, StateStore

_KEPT = timedelta(days=366)
_MOST_DELETED = 200
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
    result: str = "ok"


_CODEC = Codec(AuditEntry)


class AuditLog:
    """Writes and reads the acts of one environment."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-console-audit"

    async def note(self, user: str, role: str, act: str, subject: str = "", result: str = "ok") -> None:
        """Write an act. A subject that is no id is not written."""
        at = self._clock.now()
        entry = AuditEntry(at, user, role, act, bounded_id(subject) or "", result)
        await self._store.write([Insert(self._key(at, uuid4().hex[:8]), _CODEC.body(entry))])

    async def latest(self, *, after: str = "", limit: int = 50) -> tuple[list[AuditEntry], str]:
        """Return a page of acts, newest first, and where the next page begins; "" at the end."""
        page = await self._store.scan(self._partition, after=after or None, limit=limit)
        return [_CODEC.read(one.body) for one in page.documents], page.after or ""

    async def every(self) -> AsyncIterator[AuditEntry]:
        """Yield every act, newest first."""
        after = ""
        while True:
            entries, after = await self.latest(after=after, limit=500)
            for one in entries:
                yield one
            if not after:
                return

    async def tidy(self) -> None:
        """Delete acts that are older than a year."""
        oldest = self._key(self._clock.now() - _KEPT, "")
        page = await self._store.scan(self._partition, after=oldest.row, limit=_MOST_DELETED)
        await self._store.write([Delete(one.key) for one in page.documents])

    def _key(self, at: datetime, suffix: str) -> DocumentKey:
        """Rows count down, so that a scan meets the newest act first."""
        return DocumentKey(self._partition, f"{int((_END - at.timestamp()) * 1000):015d}-{suffix}")
