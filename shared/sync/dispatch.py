"""Everything a trigger brings in one call, done together: people in one batch, jobs in one batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.core.records import Reference, Why
from shared.errors import ConnectorError
from shared.operations.runner import JobRunner
from shared.ports import Crm, QueueName
from shared.sync.lanes import Jobs, Permissions, References, Walk
from shared.sync.patience import Patience
from shared.sync.people import SyncPeople
from shared.sync.resync import Resync


@dataclass(slots=True)
class Work:
    """What messages ask for."""

    people: list[Reference] = field(default_factory=list)
    jobs: list[Jobs] = field(default_factory=list)
    permissions: list[Permissions] = field(default_factory=list)
    walks: list[Walk] = field(default_factory=list)

    def add(self, message: References | Jobs | Permissions | Walk) -> None:
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


class Dispatcher:
    """Does the work of one trigger call."""

    def __init__(self, *, crm: Crm, people: SyncPeople, jobs: JobRunner, resync: Resync, patience: Patience) -> None:
        self._crm = crm
        self._people = people
        self._jobs = jobs
        self._resync = resync
        self._patience = patience

    async def dispatch(self, work: Work, *, lane: QueueName) -> None:
        """Do it all; when this returns, nothing of it is lost."""
        owners = await self._owners(work.permissions, lane)
        await self._people.handle([*work.people, *owners], lane=lane)
        for attempt, ids in _by_attempt((message.attempt, message.jobs) for message in work.jobs):
            await self._jobs.run(Jobs(jobs=ids, attempt=attempt), lane=lane)
        for walk in work.walks:
            await self._resync.walk(walk, lane=lane)

    async def _owners(self, messages: Sequence[Permissions], lane: QueueName) -> list[Reference]:
        """Find the people behind Spotler Permission rows (CS-11)."""
        owners: list[Reference] = []
        for attempt, ids in _by_attempt((message.attempt, message.permissions) for message in messages):
            message = Permissions(permissions=ids, attempt=attempt)
            try:
                people = await self._crm.people_of_permissions(message.permissions)
            except ConnectorError as error:
                await self._patience.postpone(lane, message, error)
            else:
                owners += [Reference(key, Why.PERMISSION, message.correlation) for key in people]
        return owners


def _by_attempt(messages: Iterable[tuple[int, Sequence[UUID]]]) -> list[tuple[int, list[UUID]]]:
    """Fold the ids of messages of the same attempt into one list, each id once."""
    folded: dict[int, dict[UUID, None]] = {}
    for attempt, ids in messages:
        folded.setdefault(attempt, {}).update(dict.fromkeys(ids))
    return [(attempt, list(ids)) for attempt, ids in folded.items()]
