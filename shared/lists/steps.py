"""Carries a synchronisation of a list from step to step: read, resolve, compare, check (`Phase`).

A step does its part, sends the message of the next step, and then saves in the state that the next step is due. So a
crash repeats a step and loses none. A step with an older number is done, and its successor was sent.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from shared.domain.features.lists import digest_of
from shared.domain.planning.binding import MassChange
from shared.domain.records.jobs import JobResult
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import RecordKey, SyncStatus
from shared.domain.recovery.retry import GiveUp
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.errors import ConfigurationError, ConnectorError, NotFoundError, TransientError, whereabouts
from shared.lists.delivery import ListDelivery, ListGoneError
from shared.lists.list_state import ListRun, ListState, RunSummary
from shared.lists.list_state_repository import BUCKETS
from shared.lists.list_targets import refusal
from shared.lists.members import wait_or_leave_out
from shared.lists.report import STOPPED
from shared.lists.tools import ListTools
from shared.messages.lane_messages import Jobs
from shared.messages.list_messages import ListClean, ListLook, ListStep, Phase
from shared.ports.dataverse import MarketingList
from shared.ports.queue import QueueName

log = logging.getLogger(__name__)

PAGE = 2500
"""Members at a time: what one call of Spotler takes."""

_HELD = (
    "{} members would leave the list in Spotler, which is very many at once: nothing was changed there. If the members "
    "in Dynamics are right, ask an administrator to release the brake; otherwise put them back and sync the list again."
)

_BROKE = "list %s broke the connector: %s"
_DEFECT = "The connector itself failed on this list; the log has the details."

_MOST_PASSES = 3
"""How often a list is synchronised again because its members changed meanwhile; then the report mentions it."""


@dataclass(frozen=True, slots=True)
class _ActiveStep:
    """A step that is due, with its run."""

    step: ListStep
    state: ListState
    run: ListRun

    @property
    def marketing_list(self) -> MarketingList:
        """The list as far as reading its members needs it."""
        return MarketingList(self.state.id, self.state.name, self.state.table)

    def next(self, **changes: object) -> ListStep:
        """Return the message of the next step."""
        return self.step.model_copy(update={"step": self.step.step + 1, "attempt": 1, **changes})


class ListSteps:
    """Does steps. Every run ends with a report, or has its next step in the queue."""

    def __init__(self, tools: ListTools) -> None:
        self._tools = tools
        self._delivery = ListDelivery(targets=tools.targets, states=tools.states, members=tools.members)

    async def step(self, step: ListStep, *, lane: QueueName) -> None:
        """Do a step. ConnectorErrors become another attempt, or the end of the run with its reason."""
        try:
            state = await self._tools.states.read(step.list)
        except ConnectorError as error:
            await self._tools.redelivery.postpone(lane, step, error)
            return
        run = state.run if state is not None else None
        if state is None or run is None or run.id != step.run or step.step < run.step:
            if state is not None and run is None:
                await self._start_waiting_jobs(state)
            return
        active = _ActiveStep(step, state, run)
        try:
            match step.phase:
                case Phase.READ:
                    await self._read(active)
                case Phase.RESOLVE:
                    await self._resolve(active, lane)
                case Phase.COMPARE:
                    await self._compare(active)
                case Phase.CHECK:
                    await self._check(active)
        except ConnectorError as error:
            await self._retry_or_fail(active, error, lane)
        except Exception as error:  # noqa: BLE001  # the text of a defect may quote a person: the log gets its place
            place = whereabouts(error)
            log.error(  # noqa: TRY400  # see above
                "list %s broke the connector: %s", step.list, place, extra={"correlation": step.correlation}
            )
            await self._fail(
                active, Reason.DEFECT, "The connector itself failed on this list; the log has the details."
            )

    async def clean(self, message: ListClean, *, lane: QueueName) -> None:
        """Delete old notes, some at a time."""
        try:
            if not await self._tools.states.clean(message.list, message.generations):
                await self._tools.lanes.send(lane, message.model_copy(update={"attempt": 1}))
        except ConnectorError as error:
            await self._tools.redelivery.postpone(lane, message, error)

    # ---------------------------------------------------------------------------------------------------------- phases

    async def _read(self, active: _ActiveStep) -> None:
        step, state, run = active.step, active.state, active.run
        page = await self._tools.lists.members(active.marketing_list, after=step.after, limit=PAGE)
        ids = list(dict.fromkeys(key.id for key in page.keys))
        await self._tools.states.put_page(step.list, step.generation, step.page, ids)
        read = {"digest": f"{digest_of(ids, int(step.digest, 16)):x}", "members": step.members + len(ids)}
        if page.after is not None:
            following = active.next(page=step.page + 1, after=page.after, **read)
        else:
            beginning = {"phase": Phase.RESOLVE, "page": 0, "pages": step.page + 1, "after": None}
            following = active.next(**{**read, **beginning, "expected": read["digest"], "digest": "0"})
        if step.generation != run.snapshot:  # another pass: Spotler has the snapshot of the last one
            old = tuple(one for one in state.snapshots or {} if one != run.snapshot)
            state = replace(state, snapshots={run.snapshot: run.buckets}, obsolete=(*state.obsolete, *old))
            run = replace(run, snapshot=step.generation, is_sending=False)
        buckets = BUCKETS if step.page > 0 or page.after is not None else 1
        run = replace(run, members=following.members, buckets=buckets)
        await self._advance(replace(active, state=state, run=run), following, done=following.members)

    async def _resolve(self, active: _ActiveStep, lane: QueueName) -> None:
        step, state = active.step, active.state
        keys = [
            RecordKey(state.table, one) for one in await self._tools.states.page(step.list, step.generation, step.page)
        ]
        selection = await self._tools.members.resolve(keys, active.run.rules, lane=lane, correlation=step.correlation)
        if selection.waiting:
            wait_or_leave_out(selection, step.attempt)
        await self._tools.states.put_contacts(
            step.list, step.generation, step.page, selection.contacts.values(), buckets=active.run.buckets
        )
        await self._tools.states.put_left_out(
            step.list, step.generation, f"{step.page:06}", skipped=selection.skipped, failed=selection.failed
        )
        if step.page + 1 < step.pages:
            following = active.next(page=step.page + 1)
        else:
            following = active.next(phase=Phase.COMPARE, page=0)
        await self._advance(active, following, done=step.page * PAGE + len(keys))

    async def _compare(self, active: _ActiveStep) -> None:
        if not active.run.is_sending and (leaving := await self._held_removals(active.state, active.run)):
            await self._fail(active, Reason.MASS_LIST_REMOVAL, _HELD.format(leaving))
            return
        active = await self._begin_sending(active)
        step = active.step
        try:
            sent = await self._delivery.deliver(active.state, active.run, first=step.bucket, attempt=step.attempt)
        except ListGoneError:
            await self._recreate(active)
            return
        if sent.must_replace:  # a member has left a list that does not support removals
            await self._compare(await self._reset(active, replace(active.state, snapshots=None)))
            return
        changes = {
            "bucket": sent.next_bucket,
            "sent": step.sent + sent.wanted,
            "added": step.added + sent.added,
            "removed": step.removed + sent.removed,
        }
        checking = {"phase": Phase.CHECK, "digest": "0"} if sent.is_last else {}
        await self._advance(active, active.next(**changes, **checking), done=step.sent + sent.wanted)

    async def _held_removals(self, state: ListState, run: ListRun) -> int:
        """Return how many members would leave the list if the brake holds the removal, otherwise 0."""
        brake, name = self._tools.brake, str(state.id)
        if not brake.limits.changes:
            return 0
        leaving, present = await self._delivery.removals(state, run)
        if brake.limits.stop_list(leaving=leaving, of=present):
            return leaving if await brake.keep(MassChange.LIST_REMOVAL, [name]) else 0
        await brake.settled({MassChange.LIST_REMOVAL: [name]})
        return 0

    async def _begin_sending(self, active: _ActiveStep) -> _ActiveStep:
        """Save that Spotler may have a part of the snapshot from now on; empty a list whose content is unknown."""
        state, run = active.state, active.run
        if not run.is_sending:
            state = await self._tools.states.save(replace(state, run=replace(run, is_sending=True)))
        if state.snapshots is None:
            await self._tools.targets.clear(state)
            return await self._reset(replace(active, state=state), replace(state, snapshots={}))
        assert state.run is not None, "it was saved with it"
        active = replace(active, state=state, run=state.run)
        return active if active.step.resets == state.run.resets else _from_the_start(active)

    async def _reset(self, active: _ActiveStep, state: ListState) -> _ActiveStep:
        """Start sending again. The number of resets makes steps from before stale."""
        assert state.run is not None, "a synchronisation is under way"
        state = await self._tools.states.save(replace(state, run=replace(state.run, resets=state.run.resets + 1)))
        assert state.run is not None, "it was saved with it"
        return _from_the_start(replace(active, state=state, run=state.run))

    async def _recreate(self, active: _ActiveStep) -> None:
        """Create the list again: somebody has deleted it in Spotler (ML-31). If it was deactivated, the run fails."""
        marketing_list = await self._tools.lists.read_list(active.state.id)
        if marketing_list is None or not marketing_list.is_active:
            await self._fail(active, Reason.INACTIVE, STOPPED)
            return
        opened = await self._tools.targets.open(marketing_list, active.state.kind, active.state)
        await self._reset(active, opened)
        raise TransientError(SpotlerCause.LIST_REMADE())

    async def _check(self, active: _ActiveStep) -> None:
        """Read the list once more, ids only, so that its snapshot in Spotler is certain."""
        step = active.step
        page = await self._tools.lists.members(active.marketing_list, after=step.after, limit=PAGE)
        digest = f"{digest_of(dict.fromkeys(key.id for key in page.keys), int(step.digest, 16)):x}"
        if page.after is not None:
            await self._advance(active, active.next(after=page.after, digest=digest))
        elif digest == step.expected:
            await self._finish(active, settled=True)
        elif step.round >= _MOST_PASSES:
            await self._finish(active, settled=False)
        else:
            await self._repeat(active)

    # ----------------------------------------------------------------------------------------------------------- moves

    async def _advance(self, active: _ActiveStep, following: ListStep, *, done: int | None = None) -> None:
        await self._tools.lanes.send(QueueName.BULK, following)
        done = active.run.done if done is None else done
        run = replace(
            active.run, step=following.step, phase=following.phase, alive_on=self._tools.clock.now(), done=done
        )
        await self._tools.states.save(replace(active.state, run=run))

    async def _repeat(self, active: _ActiveStep) -> None:
        """Take another snapshot, because the list has changed: Spotler gets the difference to the first one."""
        step = active.step
        following = ListStep(
            list=step.list,
            run=step.run,
            step=step.step + 1,
            round=step.round + 1,
            generation=uuid4().hex[:12],
            taken_at=self._tools.clock.now(),
            resets=active.run.resets,
            added=step.added,
            removed=step.removed,
            correlation=step.correlation,
        )
        await self._advance(active, following)

    async def _retry_or_fail(self, active: _ActiveStep, error: ConnectorError, lane: QueueName) -> None:
        step = active.step
        refused = refusal(error)
        if isinstance(error, NotFoundError) and step.phase in {Phase.READ, Phase.CHECK}:
            refused = (Reason.DELETED, "The Marketing List was deleted while it was synchronised.")
        if refused is not None:
            await self._fail(active, *refused)
        elif isinstance(self._tools.redelivery.after(step, error), GiveUp):
            text = f"Given up after repeated failures: {error}. Sync the list again."
            await self._fail(active, Reason.GAVE_UP, text)
        else:
            await self._tools.redelivery.postpone(lane, step, error)
            if isinstance(error, ConfigurationError):
                await self._report_misconfiguration(active.state, error)

    async def _report_misconfiguration(self, state: ListState, error: ConnectorError) -> None:
        """Write to the list what an administrator must do, such as to give rights on a table that it reads (ML-36)."""
        try:
            marketing_list = await self._tools.lists.read_list(state.id)
        except ConnectorError as trouble:
            log.warning("list %s cannot be read: %s", state.id, trouble)
            return
        if marketing_list is not None:
            text = f"Waiting for an administrator: {error}. It goes on by itself then."
            await self._tools.reporter.try_status(marketing_list, SyncStatus.PROCESSING, Reason.MISCONFIGURED, text)

    # ------------------------------------------------------------------------------------------------------------ ends

    async def _finish(self, active: _ActiveStep, *, settled: bool) -> None:
        step, state, run = active.step, active.state, active.run
        skipped, failed = await self._tools.states.counts(step.list, run.snapshot)
        summary = RunSummary(
            ended_on=self._tools.clock.now(),
            code=JobResult.OK,
            taken_at=step.taken_at,
            sent=step.sent,
            added=step.added,
            removed=step.removed,
            skipped=skipped,
            failed=failed,
        )
        text = summary.told(state.name, f"{step.taken_at:%Y-%m-%d %H:%M:%S} UTC")
        if not settled:
            text += " It kept changing while it was synchronised: sync it again."
        marketing_list = await self._tools.lists.read_list(state.id)
        await self._tools.reporter.succeeded(marketing_list, run.jobs, text, spotler_id=state.spotler_id, tally=summary)
        old = [one for one in state.snapshots or {} if one != run.snapshot]
        await self._end(state.ended(summary, snapshots={run.snapshot: run.buckets}, is_listed=True), old)
        if marketing_list is None or not marketing_list.is_active:  # since its event was handled
            await self._tools.lanes.send(QueueName.LIVE, ListLook(list=state.id))

    async def _fail(self, active: _ActiveStep, code: str, text: str) -> None:
        log.warning("list %s failed (%s)", active.state.id, code, extra={"correlation": active.step.correlation})
        try:
            state = await self._tools.states.read(active.state.id)  # it may have been saved since the step began
            if state is None or state.run is None or state.run.id != active.run.id:
                return
            run, known = state.run, state.snapshots_after_break(state.run)
            old = [] if known and run.snapshot in known else [run.snapshot]
            marketing_list = await self._tools.lists.read_list(state.id)
            await self._tools.reporter.failed(marketing_list, run.jobs, code, text, spotler_id=state.spotler_id)
            await self._end(state.ended(RunSummary(ended_on=self._tools.clock.now(), code=code), snapshots=known), old)
        except ConnectorError as error:
            # The report failed, too: the step is repeated, and with it its failure.
            again = active.step.model_copy(update={"attempt": 1})
            await self._tools.redelivery.postpone(QueueName.BULK, again, error)

    async def _end(self, state: ListState, old: Sequence[str]) -> None:
        obsolete = tuple(dict.fromkeys((*state.obsolete, *old)))
        await self._tools.states.save(replace(state, obsolete=tuple(old)))
        if obsolete:
            await self._tools.lanes.send(QueueName.BULK, ListClean(list=state.id, generations=obsolete))
        await self._start_waiting_jobs(state)

    async def _start_waiting_jobs(self, state: ListState) -> None:
        """Start the jobs that arrived during the run: they ask for the list as it is now."""
        if state.waiting:
            await self._tools.lanes.send(QueueName.BULK, Jobs(jobs=list(state.waiting)))


def _from_the_start(active: _ActiveStep) -> _ActiveStep:
    fresh = {"bucket": 0, "sent": 0, "added": 0, "removed": 0, "resets": active.run.resets}
    return replace(active, step=active.step.model_copy(update=fresh))
