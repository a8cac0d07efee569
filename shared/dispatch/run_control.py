"""Starts, pauses, resumes and stops runs, and counts their pages. A run's messages hold its position, too."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from shared.dispatch.runs import PREFIX, Run, Runs, RunState
from shared.dispatch.walks import Walks
from shared.domain.records.records import PersonTable, Why
from shared.domain.wording.causes.state_causes import StateCause
from shared.domain.wording.refused_acts import RunRefusal
from shared.engine.work_items import ItemResult
from shared.errors import ConflictError, ConnectorError, NotFoundError, Service
from shared.messages.lane_messages import Lanes, Walk
from shared.ports.clock import Clock
from shared.ports.queue import QueueName

log = logging.getLogger(__name__)

_ATTEMPTS = 5
_RESUMABLE = frozenset({RunState.PAUSED, RunState.BROKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunControl:
    """What a person may do with runs, and what a walk reports to them. All methods raise ConnectorErrors."""

    runs: Runs
    walks: Walks
    lanes: Lanes
    clock: Clock

    # ------------------------------------------------------------------------------------------------ acts of people

    async def start(self, table: PersonTable, *, total: int, by: str) -> Run:
        """Start a run over a table on the bulk lane; ConflictError while another walk over it is under way."""
        now = self.clock.now()
        run = Run(self.runs.new_id(), table, RunState.RUNNING, now, now, total=total).became(RunState.RUNNING, now, by)
        if await self.walks.begin(table, run.correlation) is not None:
            raise ConflictError(RunRefusal.WALK(table=table), service=Service.STATE)
        if not await self.runs.save(run):
            raise ConflictError(RunRefusal.SAME_MOMENT(), service=Service.STATE)
        await self._send(run)
        return run

    async def pause(self, identifier: str, *, by: str) -> Run:
        """Pause a run; the page that is being processed is finished."""
        return await self._change(identifier, RunState.PAUSED, {RunState.RUNNING}, by)

    async def stop(self, identifier: str, *, by: str) -> Run:
        """Stop a run for good; what is done stays."""
        run = await self._change(identifier, RunState.STOPPED, {RunState.RUNNING, *_RESUMABLE}, by)
        await self.walks.end(run.table, run.correlation)
        return run

    async def resume(self, identifier: str, *, by: str) -> Run:
        """Go on at the position; ConflictError while another walk over the table is under way."""
        run = await self._existing(identifier)
        if run.state in _RESUMABLE and await self.walks.begin(run.table, run.correlation) is not None:
            raise ConflictError(RunRefusal.WALK(table=run.table), service=Service.STATE)
        run = await self._change(identifier, RunState.RUNNING, _RESUMABLE, by)
        await self._send(run)
        return run

    # ------------------------------------------------------------------------------------------- reports of the walk

    async def of(self, correlation: str) -> Run | None:
        """Return the run that a walk belongs to; None if it belongs to none."""
        return await self.runs.read(correlation.removeprefix(PREFIX)) if correlation.startswith(PREFIX) else None

    async def count_page(self, run: Run, finished: Sequence[ItemResult], after: str | None) -> bool:
        """Count a page, and save the position; whether the walk goes on.

        A page that was repeated after a crash counts once: the position has moved, and the version with it.
        """
        for _ in range(_ATTEMPTS):
            counted = run.with_page(finished, after, self.clock.now())
            if after is None and counted.state is RunState.RUNNING:
                counted = counted.became(RunState.COMPLETED, self.clock.now())
            await self.runs.note_page(counted, finished)
            if await self.runs.save(counted):
                return after is not None and counted.state is RunState.RUNNING
            current = await self._existing(run.id)
            if current.pages != run.pages:
                return False
            run = current  # a person has paused or stopped it meanwhile
        raise ConflictError(RunRefusal.CHANGED_BY_OTHERS(), service=Service.STATE)

    async def broke(self, run: Run) -> None:
        """Note that a page could not be read for hours."""
        log.error("the run %s over %s has broken off at page %d", run.id, run.table, run.pages + 1)
        await self.runs.save(run.became(RunState.BROKEN, self.clock.now()))

    # ------------------------------------------------------------------------------------------------------- helpers

    async def _change(
        self, identifier: str, state: RunState, allowed: set[RunState] | frozenset[RunState], by: str
    ) -> Run:
        for _ in range(_ATTEMPTS):
            run = await self._existing(identifier)
            if run.state not in allowed:
                raise ConflictError(RunRefusal.STATE(state=run.state), service=Service.STATE)
            changed = run.became(state, self.clock.now(), by)
            if await self.runs.save(changed):
                return changed
        raise ConflictError(RunRefusal.CHANGED_BY_OTHERS(), service=Service.STATE)

    async def _existing(self, identifier: str) -> Run:
        run = await self.runs.read(identifier)
        if run is None:
            raise NotFoundError(StateCause.NO_SUCH_RUN())
        return run

    async def _send(self, run: Run) -> None:
        message = Walk(table=run.table, why=Why.RESYNC, correlation=run.correlation, after=run.after)
        try:
            await self.lanes.send(QueueName.BULK, message)
        except ConnectorError:
            await self.walks.end(run.table, run.correlation)
            raise
        log.info("the run %s over %s goes on", run.id, run.table)
