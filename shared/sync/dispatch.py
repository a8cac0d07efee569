"""Everything a trigger brings in one call, done together: people in one batch, jobs in one batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from shared.core.records import Reference, Why
from shared.errors import ConnectorError
from shared.operations.runner import JobRunner
from shared.ports import Clock, Crm, QueueName
from shared.sync.fence import TimeBudget, spending
from shared.sync.lanes import AnyMessage, Jobs, Permissions, References, Replay, Walk
from shared.sync.lists.messages import ListClean, ListLook, ListMembers, ListMessage, ListStep
from shared.sync.lists.service import Lists
from shared.sync.patience import Patience
from shared.sync.people import SyncPeople
from shared.sync.release import Release
from shared.sync.resync import Resync


@dataclass(slots=True)
class Work:
    """What messages ask for."""

    people: list[Reference] = field(default_factory=list)
    jobs: list[Jobs] = field(default_factory=list)
    permissions: list[Permissions] = field(default_factory=list)
    walks: list[Walk] = field(default_factory=list)
    replays: list[Replay] = field(default_factory=list)
    lists: list[ListMessage] = field(default_factory=list)

    @property
    def correlations(self) -> list[str]:
        """The correlation ids of all changes that are behind it."""
        return [
            *(reference.correlation for reference in self.people),
            *(message.correlation_of(job) for message in self.jobs for job in message.jobs),
            *(message.correlation for message in self.permissions),
            *(walk.correlation for walk in self.walks),
            *(replay.correlation for replay in self.replays),
            *(message.correlation for message in self.lists),
        ]

    def add(self, message: AnyMessage) -> None:
        """Add what a lane message asks for."""
        match message:
            case References():
                self.people += message.unfold()
            case Jobs():
                self.jobs.append(message)
            case Permissions():
                self.permissions.append(message)
            case Walk():
                self.walks.append(message)
            case Replay():
                self.replays.append(message)
            case ListStep() | ListMembers() | ListLook() | ListClean():
                self.lists.append(message)


class Dispatcher:
    """Does the work of one trigger call, as far as there is time for it."""

    def __init__(
        self,
        *,
        crm: Crm,
        people: SyncPeople,
        jobs: JobRunner,
        resync: Resync,
        release: Release,
        lists: Lists,
        patience: Patience,
        clock: Clock,
        work_time: timedelta,
    ) -> None:
        """`work_time` is how long after its begin a call may begin parts of its work (`Settings.work_time`)."""
        self._crm = crm
        self._people = people
        self._jobs = jobs
        self._resync = resync
        self._release = release
        self._lists = lists
        self._patience = patience
        self._clock = clock
        self._work_time = work_time

    async def dispatch(self, work: Work, *, lane: QueueName) -> None:
        """Do it all, or put back what there is no time for; when this returns, nothing of it is lost.

        People leave half of the time to jobs, walks, replays and lists that came with them.
        """
        began = self._clock.now()
        others = [*_jobs_together(work.jobs), *work.walks, *work.replays, *work.lists]
        with spending(TimeBudget(self._clock, began + self._work_time / (2 if others else 1))):
            owners = await self._owners(work.permissions, lane)
            people = [*work.people, *owners]
            await self._people.handle(people, lane=lane)
        budget = TimeBudget(self._clock, began + self._work_time)
        if people:
            budget.count_part()
        with spending(budget):
            for message in others:
                if budget.may_begin:
                    await self._one(message, lane)  # which counts its own parts, if it has several
                    budget.count_part()
                else:
                    await self._patience.put_back(lane, message)

    async def _one(self, message: Jobs | Walk | Replay | ListMessage, lane: QueueName) -> None:
        match message:
            case Jobs():
                await self._jobs.run(message, lane=lane)
            case Walk():
                await self._resync.walk(message, lane=lane)
            case Replay():
                await self._release.replay(message, lane=lane)
            case _:
                await self._lists.handle(message, lane=lane)

    async def _owners(self, messages: Sequence[Permissions], lane: QueueName) -> list[Reference]:
        """Find the people behind Spotler Permission rows (CS-11)."""
        owners: list[Reference] = []
        for message in _permissions_together(messages):
            try:
                people = await self._crm.people_of_permissions(message.permissions)
            except ConnectorError as error:
                await self._patience.postpone(lane, message, error)
            else:
                owners += [Reference(key, Why.PERMISSION, message.correlation) for key in people]
        return owners


def _jobs_together(messages: Iterable[Jobs]) -> list[Jobs]:
    """Fold messages of the same attempt into one; each job once, with the correlation id of its latest message."""
    folded: dict[int, dict[UUID, str]] = {}
    for message in messages:
        folded.setdefault(message.attempt, {}).update({job: message.correlation_of(job) for job in message.jobs})
    return [Jobs.of(jobs, attempt) for attempt, jobs in folded.items()]


def _permissions_together(messages: Iterable[Permissions]) -> list[Permissions]:
    """Fold messages of the same attempt into one, each row once.

    Dataverse's answer does not tell whose row was which: several changes together have no correlation id.
    """
    folded: dict[int, list[Permissions]] = {}
    for message in messages:
        folded.setdefault(message.attempt, []).append(message)
    return [
        Permissions(
            permissions=list(dict.fromkeys(row for one in same for row in one.permissions)),
            correlation=same[0].correlation if len({one.correlation for one in same}) == 1 else "",
            attempt=attempt,
        )
        for attempt, same in folded.items()
    ]
