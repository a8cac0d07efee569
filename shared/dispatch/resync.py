"""Synchronises records on request: some, or a whole table page by page. The messages themselves hold the progress."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.dispatch.run_control import RunControl
from shared.dispatch.runs import Run, RunState
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

PAGE = 1_000
"""Records per page: ten Spotler calls, well inside one claim, and the most that Dataverse reads in one batch."""

_STALLED = timedelta(minutes=1)
"""A run whose position has not moved for so long, and that gets the message of its last page again, stands still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """Starts and continues walks."""

    crm: Crm
    people: RecordHandler
    lanes: Lanes
    redelivery: Redelivery
    walks: Walks
    reconciliation: Reconciliation
    runs: RunControl

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
        run = await self.runs.of(step.correlation)
        if run is not None and (run.state is not RunState.RUNNING or run.after != step.after):
            await self._leave(run, step, lane)
            return
        try:
            if await self._is_overtaken(step):
                return
            page = await self.crm.people_page(step.table, after=step.after, limit=PAGE)
        except ConnectorError as error:
            if isinstance(self.redelivery.after(step, error), GiveUp):
                await self._end_walk(step)
                if run is not None:
                    await self.runs.broke(run)
            await self.redelivery.postpone(lane, step, error)
            return
        references = [Reference(key, step.why, step.correlation) for key in page.keys]
        finished = await self.people.handle(references, lane=lane)
        await self.reconciliation.count_page(step, finished, is_last=page.after is None)
        goes_on = page.after is not None
        if run is not None:
            goes_on = await self.runs.count_page(run, finished, page.after)
            if not goes_on and page.after is not None:
                return  # the end of the pause sends the next page
        if goes_on:
            await self.lanes.send(lane, step.model_copy(update={"after": page.after, "attempt": 1}))
        else:
            await self._end_walk(step)

    async def _is_overtaken(self, step: Walk) -> bool:
        """Whether another walk has begun since: that one reads all records, too."""
        if step.why is not Why.RESYNC or (other := await self.walks.begin(step.table, step.correlation)) is None:
            return False
        log.info("the walk over %s of %s ends: another one is under way", step.table, other.since)
        return True

    async def _leave(self, run: Run, step: Walk, lane: QueueName) -> None:
        """Leave a page that is not to be processed: the run is paused or over, or another message has processed it.

        A worker may have died between the position and the next message. So a message of the last page waits a minute,
        and sends the next one if the position has not moved by then.
        """
        if run.state is not RunState.RUNNING:
            await self.walks.end(run.table, run.correlation)
        elif run.pages and step.after == run.before:
            now = self.runs.clock.now()
            if now - run.saved < _STALLED:
                await self.lanes.send_later(lane, step, now + _STALLED)
            else:
                await self.lanes.send(lane, step.model_copy(update={"after": run.after, "attempt": 1}))

    async def _end_walk(self, step: Walk) -> None:
        """Let the next walk begin. If that cannot be stored, it may begin in a day."""
        if step.why is Why.RESYNC:
            with suppress(ConnectorError):
                await self.walks.end(step.table, step.correlation)
