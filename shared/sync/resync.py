"""Looks at records on request: some, or a whole table page by page. Progress lives in the messages themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shared.core.records import PersonTable, RecordKey, Reference, Why
from shared.errors import ConnectorError
from shared.ports import Crm, QueueName
from shared.sync.lanes import Lanes, Walk
from shared.sync.patience import Patience
from shared.sync.people import SyncPeople
from shared.sync.work import Finished

PAGE = 500
"""Records per page: five Spotler calls, well inside one claim."""


class Witness(Protocol):
    """Counts what walks find."""

    async def saw(self, step: Walk, finished: Sequence[Finished], *, is_last: bool) -> None:
        """Take note of a page, before the next one is on its way."""
        ...


class Resync:
    """Starts and carries on walks."""

    def __init__(
        self, *, crm: Crm, people: SyncPeople, lanes: Lanes, patience: Patience, witness: Witness | None = None
    ) -> None:
        self._crm = crm
        self._people = people
        self._lanes = lanes
        self._patience = patience
        self._witness = witness

    async def some(self, keys: Sequence[RecordKey], lane: QueueName, *, correlation: str) -> None:
        """Put records on a lane."""
        await self._lanes.send_references(lane, [Reference(key, Why.RESYNC, correlation) for key in keys])

    async def table(self, table: PersonTable, lane: QueueName, *, correlation: str) -> None:
        """Start walking a whole table."""
        await self._lanes.send(lane, Walk(table=table, why=Why.RESYNC, correlation=correlation))

    async def walk(self, step: Walk, *, lane: QueueName) -> None:
        """Do one page, then send the message of the next: a crash in between repeats a page and loses none."""
        try:
            page = await self._crm.people_page(step.table, after=step.after, limit=PAGE)
        except ConnectorError as error:
            await self._patience.postpone(lane, step, error)
            return
        references = [Reference(key, step.why, step.correlation) for key in page.keys]
        finished = await self._people.handle(references, lane=lane)
        if self._witness is not None:
            await self._witness.saw(step, finished, is_last=page.after is None)
        if page.after is not None:
            await self._lanes.send(lane, step.model_copy(update={"after": page.after, "attempt": 1}))
