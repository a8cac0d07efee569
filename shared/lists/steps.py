"""Carries a synchronisation of a list from step to step: read, resolve, compare, check (`Phase`).

A step does its part, sends the message of the next one, and only then notes in the memo that the next one is due. So a
crash repeats a step and loses none; and a step whose number is past was done, with its successor on its way.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from shared.domain.features.lists import LeftOut, digest_of
from shared.domain.planning.context import MassChange
from shared.domain.records.jobs import JobResult
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import RecordKey, SyncStatus
from shared.domain.recovery.retry import GiveUp
from shared.errors import ConfigurationError, ConnectorError, NotFoundError, TransientError, whereabouts
from shared.lists.delivery import PATIENCE_WITH_PEOPLE, ListDelivery, ListGoneError
from shared.lists.list_state import ListRun, ListState, RunSummary
from shared.lists.list_state_repository import BUCKETS
from shared.lists.list_targets import refusal
from shared.lists.members import Judged, reason_to_wait
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

_MOST_ROUNDS = 3
"""A list that is not the same at the end is synchronised again: so often, then it is told that it keeps changing."""


@dataclass(frozen=True, slots=True)
class _Going:
    """A step that is due, with the synchronisation that it belongs to."""

    step: ListStep
    state: ListState
    run: ListRun

    @property
    def marketing_list(self) -> MarketingList:
        """The list as far as walking its members needs it."""
        return MarketingList(self.state.id, self.state.name, self.state.table)

    def next(self, **changes: object) -> ListStep:
        """Return the message of the next step."""
        return self.step.model_copy(update={"step": self.step.step + 1, "attempt": 1, **changes})


class ListSteps:
    """Does steps. Every synchronisation ends with a report, or has its next step in the queue."""

    def __init__(self, tools: ListTools) -> None:
        self._tools = tools
        self._delivery = ListDelivery(places=tools.places, memory=tools.memory, members=tools.members)

    async def step(self, step: ListStep, *, lane: QueueName) -> None:
        """Do a step. ConnectorErrors become another attempt, or the end of the synchronisation with its reason."""
        try:
            state = await self._tools.memory.read(step.list)
        except ConnectorError as error:
            await self._tools.patience.postpone(lane, step, error)
            return
        run = state.run if state is not None else None
        if state is None or run is None or run.id != step.run or step.step < run.step:
            if state is not None and run is None:
                await self._call_the_waiting(state)
            return
        going = _Going(step, state, run)
        try:
            match step.phase:
                case Phase.READ:
                    await self._read(going)
                case Phase.RESOLVE:
                    await self._resolve(going, lane)
                case Phase.COMPARE:
                    await self._compare(going)
                case Phase.CHECK:
                    await self._check(going)
        except ConnectorError as error:
            await self._come_back(going, error, lane)
        except Exception as error:  # noqa: BLE001  # what a defect says may quote a person: the log gets its place
            place = whereabouts(error)
            log.error(  # noqa: TRY400  # see above
                "list %s broke the connector: %s", step.list, place, extra={"correlation": step.correlation}
            )
            await self._fail(going, Reason.DEFECT, "The connector itself failed on this list; the log has the details.")

    async def clean(self, message: ListClean, *, lane: QueueName) -> None:
        """Forget old notes, some at a time."""
        try:
            if not await self._tools.memory.clean(message.list, message.generations):
                await self._tools.lanes.send(lane, message.model_copy(update={"attempt": 1}))
        except ConnectorError as error:
            await self._tools.patience.postpone(lane, message, error)

    # ---------------------------------------------------------------------------------------------------------- phases

    async def _read(self, going: _Going) -> None:
        step, state, run = going.step, going.state, going.run
        page = await self._tools.lists.members(going.marketing_list, after=step.after, limit=PAGE)
        ids = list(dict.fromkeys(key.id for key in page.keys))
        await self._tools.memory.put_page(step.list, step.generation, step.page, ids)
        read = {"digest": f"{digest_of(ids, int(step.digest, 16)):x}", "members": step.members + len(ids)}
        if page.after is not None:
            following = going.next(page=step.page + 1, after=page.after, **read)
        else:
            beginning = {"phase": Phase.RESOLVE, "page": 0, "pages": step.page + 1, "after": None}
            following = going.next(**{**read, **beginning, "expected": read["digest"], "digest": "0"})
        if step.generation != run.generation:  # another round: Spotler has what the last one has sent
            old = tuple(one for one in state.generations or {} if one != run.generation)
            state = replace(state, generations={run.generation: run.buckets}, obsolete=(*state.obsolete, *old))
            run = replace(run, generation=step.generation, is_sending=False)
        buckets = BUCKETS if step.page > 0 or page.after is not None else 1
        run = replace(run, members=following.members, buckets=buckets)
        await self._advance(replace(going, state=state, run=run), following, done=following.members)

    async def _resolve(self, going: _Going, lane: QueueName) -> None:
        step, state = going.step, going.state
        keys = [
            RecordKey(state.table, one) for one in await self._tools.memory.page(step.list, step.generation, step.page)
        ]
        judged = await self._tools.members.bring(keys, going.run.rules, lane=lane, correlation=step.correlation)
        if judged.waiting:
            _wait_or_leave_out(judged, step.attempt)
        await self._tools.memory.put_contacts(
            step.list, step.generation, step.page, judged.contacts.values(), buckets=going.run.buckets
        )
        await self._tools.memory.put_left_out(
            step.list, step.generation, f"{step.page:06}", skipped=judged.skipped, failed=judged.failed
        )
        if step.page + 1 < step.pages:
            following = going.next(page=step.page + 1)
        else:
            following = going.next(phase=Phase.COMPARE, page=0)
        await self._advance(going, following, done=step.page * PAGE + len(keys))

    async def _compare(self, going: _Going) -> None:
        if not going.run.is_sending and (leaving := await self._held_removals(going.state, going.run)):
            await self._fail(going, Reason.MASS_LIST_REMOVAL, _HELD.format(leaving))
            return
        going = await self._sending(going)
        step = going.step
        try:
            sent = await self._delivery.some(going.state, going.run, first=step.bucket, attempt=step.attempt)
        except ListGoneError:
            await self._recreate(going)
            return
        if sent.must_replace:  # somebody has left a list of which nobody can be removed
            await self._compare(await self._reset(going, replace(going.state, generations=None)))
            return
        changes = {
            "bucket": sent.next_bucket,
            "sent": step.sent + sent.wanted,
            "added": step.added + sent.added,
            "removed": step.removed + sent.removed,
        }
        checking = {"phase": Phase.CHECK, "digest": "0"} if sent.is_last else {}
        await self._advance(going, going.next(**changes, **checking), done=step.sent + sent.wanted)

    async def _held_removals(self, state: ListState, run: ListRun) -> int:
        """Return how many members would leave the list if that is so many that the brake holds it, 0 if it does not."""
        brake, name = self._tools.brake, str(state.id)
        if not brake.limits.changes:
            return 0
        leaving, present = await self._delivery.removals(state, run)
        if brake.limits.stop_list(leaving=leaving, of=present):
            return leaving if await brake.keep(MassChange.LIST_REMOVAL, [name]) else 0
        await brake.settled({MassChange.LIST_REMOVAL: [name]})
        return 0

    async def _sending(self, going: _Going) -> _Going:
        """Note that Spotler may have some of the snapshot from now on, and empty a list whose content is unknown."""
        state, run = going.state, going.run
        if not run.is_sending:
            state = await self._tools.memory.save(replace(state, run=replace(run, is_sending=True)))
        if state.generations is None:
            await self._tools.places.clear(state)
            return await self._reset(replace(going, state=state), replace(state, generations={}))
        assert state.run is not None, "it was saved with it"
        going = replace(going, state=state, run=state.run)
        return going if going.step.resets == state.run.resets else _from_the_start(going)

    async def _reset(self, going: _Going, state: ListState) -> _Going:
        """Begin to send anew. A step that comes again after a crash sees that it is of the time before."""
        assert state.run is not None, "a synchronisation is under way"
        state = await self._tools.memory.save(replace(state, run=replace(state.run, resets=state.run.resets + 1)))
        assert state.run is not None, "it was saved with it"
        return _from_the_start(replace(going, state=state, run=state.run))

    async def _recreate(self, going: _Going) -> None:
        """Somebody has deleted the list in Spotler meanwhile (ML-31), or deactivated it in Dataverse."""
        marketing_list = await self._tools.lists.read_list(going.state.id)
        if marketing_list is None or not marketing_list.is_active:
            await self._fail(going, Reason.INACTIVE, STOPPED)
            return
        opened = await self._tools.places.open(marketing_list, going.state.kind, going.state)
        await self._reset(going, opened)
        raise TransientError("the list was deleted in Spotler while it was filled, and made again")

    async def _check(self, going: _Going) -> None:
        """Read the list once more, ids only: then it is certain what Spotler's list is equal to."""
        step = going.step
        page = await self._tools.lists.members(going.marketing_list, after=step.after, limit=PAGE)
        digest = f"{digest_of(dict.fromkeys(key.id for key in page.keys), int(step.digest, 16)):x}"
        if page.after is not None:
            await self._advance(going, going.next(after=page.after, digest=digest))
        elif digest == step.expected:
            await self._finish(going, settled=True)
        elif step.round >= _MOST_ROUNDS:
            await self._finish(going, settled=False)
        else:
            await self._again(going)

    # ----------------------------------------------------------------------------------------------------------- moves

    async def _advance(self, going: _Going, following: ListStep, *, done: int | None = None) -> None:
        await self._tools.lanes.send(QueueName.BULK, following)
        done = going.run.done if done is None else done
        run = replace(
            going.run, step=following.step, phase=following.phase, alive_on=self._tools.clock.now(), done=done
        )
        await self._tools.memory.save(replace(going.state, run=run))

    async def _again(self, going: _Going) -> None:
        """The list has changed: Spotler has the snapshot, and will get what differs from it now."""
        step = going.step
        following = ListStep(
            list=step.list,
            run=step.run,
            step=step.step + 1,
            round=step.round + 1,
            generation=uuid4().hex[:12],
            taken_at=self._tools.clock.now(),
            resets=going.run.resets,
            added=step.added,
            removed=step.removed,
            correlation=step.correlation,
        )
        await self._advance(going, following)

    async def _come_back(self, going: _Going, error: ConnectorError, lane: QueueName) -> None:
        step = going.step
        refused = refusal(error)
        if isinstance(error, NotFoundError) and step.phase in {Phase.READ, Phase.CHECK}:
            refused = (Reason.DELETED, "The Marketing List was deleted while it was synchronised.")
        if refused is not None:
            await self._fail(going, *refused)
        elif isinstance(self._tools.patience.after(step, error), GiveUp):
            text = f"Given up after repeated failures: {error}. Sync the list again."
            await self._fail(going, Reason.GAVE_UP, text)
        else:
            await self._tools.patience.postpone(lane, step, error)
            if isinstance(error, ConfigurationError):
                await self._ask_for_help(going.state, error)

    async def _ask_for_help(self, state: ListState, error: ConnectorError) -> None:
        """Say on the list what an administrator must do, such as to give rights on a table that it asks (ML-36)."""
        try:
            marketing_list = await self._tools.lists.read_list(state.id)
        except ConnectorError as trouble:
            log.warning("list %s cannot be read: %s", state.id, trouble)
            return
        if marketing_list is not None:
            text = f"Waiting for an administrator: {error}. It goes on by itself then."
            await self._tools.reporter.courtesy(marketing_list, SyncStatus.PROCESSING, Reason.MISCONFIGURED, text)

    # ------------------------------------------------------------------------------------------------------------ ends

    async def _finish(self, going: _Going, *, settled: bool) -> None:
        step, state, run = going.step, going.state, going.run
        skipped, failed = await self._tools.memory.counts(step.list, run.generation)
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
        old = [one for one in state.generations or {} if one != run.generation]
        await self._end(state.ended(summary, generations={run.generation: run.buckets}, is_listed=True), old)
        if marketing_list is None or not marketing_list.is_active:  # meanwhile, and its event may have come too early
            await self._tools.lanes.send(QueueName.LIVE, ListLook(list=state.id))

    async def _fail(self, going: _Going, code: str, text: str) -> None:
        log.warning("list %s failed (%s)", going.state.id, code, extra={"correlation": going.step.correlation})
        try:
            state = await self._tools.memory.read(going.state.id)  # it may have been saved since the step began
            if state is None or state.run is None or state.run.id != going.run.id:
                return
            run, known = state.run, state.doubting(state.run)
            old = [] if known and run.generation in known else [run.generation]
            marketing_list = await self._tools.lists.read_list(state.id)
            await self._tools.reporter.failed(marketing_list, run.jobs, code, text, spotler_id=state.spotler_id)
            await self._end(
                state.ended(RunSummary(ended_on=self._tools.clock.now(), code=code), generations=known), old
            )
        except ConnectorError as error:
            # Not even the report got through: the step comes again, and with it its failure.
            again = going.step.model_copy(update={"attempt": 1})
            await self._tools.patience.postpone(QueueName.BULK, again, error)

    async def _end(self, state: ListState, old: Sequence[str]) -> None:
        obsolete = tuple(dict.fromkeys((*state.obsolete, *old)))
        await self._tools.memory.save(replace(state, obsolete=tuple(old)))
        if obsolete:
            await self._tools.lanes.send(QueueName.BULK, ListClean(list=state.id, generations=obsolete))
        await self._call_the_waiting(state)

    async def _call_the_waiting(self, state: ListState) -> None:
        """Jobs that came meanwhile want the list as it is now."""
        if state.waiting:
            await self._tools.lanes.send(QueueName.BULK, Jobs(jobs=list(state.waiting)))


def _from_the_start(going: _Going) -> _Going:
    fresh = {"bucket": 0, "sent": 0, "added": 0, "removed": 0, "resets": going.run.resets}
    return replace(going, step=going.step.model_copy(update=fresh))


def _wait_or_leave_out(judged: Judged, attempt: int) -> None:
    """Raise what makes the step come again; after some attempts go on without those who are not ready."""
    why = reason_to_wait(judged)
    if not isinstance(why, TransientError) or attempt < PATIENCE_WITH_PEOPLE:
        raise why
    judged.failed |= dict.fromkeys(judged.waiting, LeftOut.LATE)
