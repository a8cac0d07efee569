"""Synchronises records on request: some, or a whole table page by page. The messages themselves hold the progress."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from shared.dispatch.walks import UnderWay, Walks
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.domain.recovery.retry import GiveUp
from shared.engine.record_handler import RecordHandler
from shared.errors import ConnectorError
from shared.inbound.reconciliation import Reconciliation
from shared.messages.lane_messages import Lanes, Walk
from shared.messages.redelivery import Redelivery
from shared.ports.dataverse import Crm
from shared.ports.queue import QueueName

log = logging.getLogger(__name__)

PAGE = 500
"""Records per page: five Spotler calls, well inside one claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """Starts and continues walks."""

    crm: Crm
    people: RecordHandler
    lanes: Lanes
    redelivery: Redelivery
    walks: Walks
    reconciliation: Reconciliation

    async def some(self, keys: Sequence[RecordKey], lane: QueueName, *, correlation: str) -> None:
        """Send records to a lane."""
        await self.lanes.send_references(lane, [Reference(key, Why.RESYNC, correlation) for key in keys])

    async def table(self, table: PersonTable, lane: QueueName, *, correlation: str) -> UnderWay | None:
        """Start a walk over a table; returns the walk that is under way already, if there is one."""
        if (other := await self.walks.begin(table, correlation)) is not None:
            return other
        try:
            await self.lanes.send(lane, Walk(table=table, why=Why.RESYNC, correlation=correlation))
        except ConnectorError:
            await self.walks.end(table, correlation)
            raise
        return None

    async def walk(self, step: Walk, *, lane: QueueName) -> None:
        """Handle one page, then send the message of the next one. A crash in between repeats a page."""
        try:
            if await self._is_overtaken(step):
                return
            page = await self.crm.people_page(step.table, after=step.after, limit=PAGE)
        except ConnectorError as error:
            if isinstance(self.redelivery.after(step, error), GiveUp):
                await self._end_walk(step)
            await self.redelivery.postpone(lane, step, error)
            return
        references = [Reference(key, step.why, step.correlation) for key in page.keys]
        finished = await self.people.handle(references, lane=lane)
        await self.reconciliation.count_page(step, finished, is_last=page.after is None)
        if page.after is not None:
            await self.lanes.send(lane, step.model_copy(update={"after": page.after, "attempt": 1}))
        else:
            await self._end_walk(step)

    async def _is_overtaken(self, step: Walk) -> bool:
        """Whether another walk has begun since: that one reads all records, too."""
        if step.why is not Why.RESYNC or (other := await self.walks.begin(step.table, step.correlation)) is None:
            return False
        log.info("the walk over %s of %s ends: another one is under way", step.table, other.since)
        return True

    async def _end_walk(self, step: Walk) -> None:
        """Let the next walk begin. If that cannot be stored, it may begin in a day."""
        if step.why is Why.RESYNC:
            with suppress(ConnectorError):
                await self.walks.end(step.table, step.correlation)
