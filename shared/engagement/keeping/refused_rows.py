"""Remembers which rows Dataverse refused, so that they are tried again at night and shown in health.

| document | key | holds |
|---|---|---|
| `engagement-refused` | id of the row | record, mailing, code of the refusal, since when |
"""

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.records.records import RecordKey
from shared.engagement.keeping.row_plan import RowPlan
from shared.ports.clock import Clock
from shared.ports.documents import Codec, documents
from shared.ports.engagement import Refused
from shared.ports.state import Delete, DocumentKey, Put, StateStore

log = logging.getLogger(__name__)

KEPT = timedelta(days=30)
"""A row that is refused for so long is given up: its person or campaign is gone."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was refused."""

    id: str
    record: RecordKey
    mailing: str
    code: str
    since: datetime


_CODEC = Codec(RefusedRow, outside={"id"})


class RefusedRows:
    """The refused rows of one environment."""

    def __init__(self, store: StateStore, environment: str, clock: Clock) -> None:
        self._store = store
        self._partition = f"{environment}-engagement-refused"
        self._clock = clock

    async def note(self, plan: RowPlan, refused: Sequence[Refused]) -> None:
        """Note rows of a plan that were refused; those that are noted already keep their time."""
        origins = {row.id: (row.record, row.mailing.handle) for row in plan.interactions}
        origins |= {row.id: (row.record, row.mailing.handle) for row in plan.activities}
        origins |= {row.id: (row.record, row.mailing.handle) for row in plan.responses}
        keys = [DocumentKey(self._partition, str(one.id)) for one in refused]
        known = await self._store.read(keys)
        now = self._clock.now()
        rows = [
            RefusedRow(str(one.id), *origins[one.id], one.error.code, now)
            for one, key in zip(refused, keys, strict=True)
            if key not in known
        ]
        await self._store.write([Put(DocumentKey(self._partition, row.id), _CODEC.body(row)) for row in rows])
        log.warning("Dataverse refused %d rows of interactions; they are tried again at night", len(refused))

    async def all(self) -> AsyncIterator[RefusedRow]:
        """Yield the refused rows."""
        async for document in documents(self._store, self._partition):
            yield _CODEC.read(document.body, id=document.key.row)

    async def forget(self, ids: Iterable[str]) -> None:
        """Delete notes."""
        await self._store.write([Delete(DocumentKey(self._partition, one)) for one in ids])

    async def count(self) -> int:
        """Return how many rows are refused now."""
        return len([one async for one in self.all()])
