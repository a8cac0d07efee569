"""Starts the synchronisation of a list, or returns why it cannot start (Sync List, ML-23)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

from shared.domain.features.lists import ListKind
from shared.domain.planning.rules import Rules
from shared.domain.records.jobs import JobResult
from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.records.records import SyncStatus
from shared.domain.wording.phrase import Phrase
from shared.domain.wording.refused_acts import ListRefusal
from shared.errors import ConnectorError
from shared.lists.list_state import ListRun, ListState
from shared.lists.list_targets import refusal
from shared.lists.tools import ListTools
from shared.messages.list_messages import ListStep, Phase
from shared.ports.dataverse import MarketingList
from shared.ports.queue import QueueName

PRESUMED_DEAD = timedelta(hours=6)
"""Longer than the longest pause between two attempts: a run without progress for so long has lost its message."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The run is under way, and reports its end to the jobs."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The list cannot be synchronised; another attempt would not change that."""

    code: str
    text: str


_OFF = Declined(Reason.ENVIRONMENT_OFF, TEXTS[Reason.ENVIRONMENT_OFF])
_WAITS = Declined(
    Reason.NOT_ALLOWED,
    ListRefusal.ALLOW_LIST(),
)


class ListStart:
    """Begins synchronisations; a list has one run at a time."""

    def __init__(self, tools: ListTools, *, rules: Rules, default_kind: ListKind) -> None:
        self._tools = tools
        self._rules = rules
        self._default_kind = default_kind

    def kind_of(self, marketing_list: MarketingList) -> ListKind:
        """Return what the list becomes: by its own column, else by the setting (C-06)."""
        return marketing_list.kind or self._default_kind

    def objection(self, marketing_list: MarketingList) -> Declined | None:
        """Return why a list cannot be synchronised, None if it can."""
        if not self._rules.environment_is_on or self._rules.allow_list is not None:
            return _OFF if not self._rules.environment_is_on else _WAITS
        if marketing_list.table not in self._rules.enabled_tables:
            return Declined(Reason.TABLE_OFF, ListRefusal.TABLE_OFF(table=marketing_list.table))
        if not marketing_list.is_active:
            return Declined(Reason.INACTIVE, ListRefusal.INACTIVE())
        if marketing_list.status is not None and marketing_list.status.status is SyncStatus.DISABLED:
            return Declined(Reason.SYNC_DISABLED, ListRefusal.SYNC_DISABLED())
        if self.kind_of(marketing_list) is ListKind.STATIC:
            return _not_valid(ListRefusal.STATIC())
        return None

    async def begin(self, identifier: UUID, jobs: Sequence[UUID], correlation: str) -> Begun | Declined:
        """Start a run for these jobs. During another run the jobs wait for its end.

        Raises ConnectorErrors; then nothing has begun, or a repetition continues it.
        """
        state = await self._tools.states.read(identifier)
        if state is not None and state.run is not None and self._is_alive(state.run):
            return await self._join(state, state.run, jobs)
        marketing_list = await self._tools.lists.read_list(identifier)
        if marketing_list is None:
            return _not_valid(ListRefusal.GONE())
        if (objection := self.objection(marketing_list)) is not None:
            await self._tools.reporter.try_status(marketing_list, SyncStatus.FAILED, objection.code, objection.text)
            return objection
        try:
            opened = await self._tools.targets.open(marketing_list, self.kind_of(marketing_list), state)
        except ConnectorError as error:
            if (refused := refusal(error)) is None:
                raise
            await self._tools.reporter.try_status(marketing_list, SyncStatus.FAILED, *refused)
            return Declined(*refused)
        await self._start(opened, marketing_list, jobs, correlation)
        return Begun()

    async def _join(self, state: ListState, run: ListRun, jobs: Sequence[UUID]) -> Begun:
        if run.step == 0:  # its first message may never have been sent: a step that comes twice counts once
            await self._tools.lanes.send(QueueName.BULK, first_step(state, run))
        new = [job for job in jobs if job not in (*run.jobs, *state.waiting)]
        if new:
            await self._tools.states.save(replace(state, waiting=(*state.waiting, *new)))
        return Begun()

    async def _start(
        self, state: ListState, marketing_list: MarketingList, jobs: Sequence[UUID], correlation: str
    ) -> None:
        now = self._tools.clock.now()
        lost = (
            state.run
        )  # the message of this run was lost: take over its jobs, and treat what it has sent as uncertain
        snapshots = state.snapshots_after_break(lost) if lost is not None else state.snapshots
        wanted = dict.fromkeys((*jobs, *(lost.jobs if lost else ()), *state.waiting))
        run = ListRun(uuid4().hex[:12], uuid4().hex[:12], marketing_list.rules, tuple(wanted), now, now, correlation)
        started = replace(state, run=run, waiting=(), snapshots=snapshots)
        await self._tools.states.save(started)
        await self._tools.lanes.send(QueueName.BULK, first_step(started, run))
        text = "The list is being synchronised."
        await self._tools.reporter.try_status(marketing_list, SyncStatus.PROCESSING, "syncing", text)

    def _is_alive(self, run: ListRun) -> bool:
        return self._tools.clock.now() - run.alive_on < PRESUMED_DEAD


def first_step(state: ListState, run: ListRun) -> ListStep:
    """Return the message that a synchronisation begins with."""
    return ListStep(
        list=state.id,
        run=run.id,
        generation=run.snapshot,
        taken_at=run.started_on,
        step=0,
        phase=Phase.READ,
        correlation=run.correlation,
    )


def _not_valid(text: Phrase) -> Declined:
    return Declined(JobResult.NOT_VALID, ListRefusal.CODED(code=JobResult.NOT_VALID, text=text))
