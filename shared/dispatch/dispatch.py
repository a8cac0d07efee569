"""Handles everything that a trigger delivers in one call: people in one batch, jobs in one batch."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from shared.dispatch.resync import Resync
from shared.domain.records.records import RecordKey, Reference, Why
from shared.domain.recovery.retry import RetryPolicy
from shared.engagement.service import Engagement
from shared.engine.bindings.claim_deadline import TimeBudget, spending
from shared.engine.guards.attempt import attempt
from shared.engine.guards.circuits import Circuits, Flow, Pause, Probe
from shared.engine.guards.priority import Priority
from shared.engine.guards.release import Release
from shared.engine.record_handler import RecordHandler
from shared.engine.work_items import earliest
from shared.errors import ConnectorError
from shared.inbound.comparison import Comparison
from shared.lists.service import Lists
from shared.messages.lane_messages import (
    AnyMessage,
    Compare,
    Engage,
    Jobs,
    Lanes,
    Permissions,
    ReferenceBatch,
    Replay,
    Unchecked,
    Walk,
)
from shared.messages.list_messages import ListClean, ListLook, ListMembers, ListMessage, ListStep
from shared.messages.redelivery import Redelivery
from shared.messages.tally import tallying
from shared.operations.running.runner import JobRunner
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.queue import QueueName

log = logging.getLogger(__name__)


OtherMessage = Jobs | Walk | Replay | Compare | Engage | ListMessage
"""A message that is handled by itself, beside people."""


@dataclass(slots=True)
class Work:
    """The work that messages ask for."""

    people: list[Reference] = field(default_factory=list)
    jobs: list[Jobs] = field(default_factory=list)
    permissions: list[Permissions] = field(default_factory=list)
    walks: list[Walk] = field(default_factory=list)
    replays: list[Replay] = field(default_factory=list)
    comparisons: list[Compare] = field(default_factory=list)
    engagements: list[Engage] = field(default_factory=list)
    lists: list[ListMessage] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    """Messages whose origin must be checked first (`dispatch/intake.py`)."""

    @property
    def correlations(self) -> list[str]:
        """The correlation ids of all changes behind the work."""
        return [
            *(reference.correlation for reference in self.people),
            *(message.correlation_of(job) for message in self.jobs for job in message.jobs),
            *(message.correlation for message in self.permissions),
            *(walk.correlation for walk in self.walks),
            *(replay.correlation for replay in self.replays),
            *(message.correlation for message in (*self.comparisons, *self.engagements)),
            *(message.correlation for message in self.lists),
            *(correlation for one in self.unchecked for correlation in Work.asked_by(one.message).correlations),
        ]

    @property
    def others(self) -> list[OtherMessage]:
        """Everything but people, their permission rows, and unchecked messages."""
        steps = [*self.walks, *self.replays, *self.comparisons, *self.engagements, *self.lists]
        return [*_jobs_together(self.jobs), *steps]

    @classmethod
    def asked_by(cls, message: AnyMessage) -> Self:
        """Return the work that one lane message asks for."""
        work = cls()
        work.add(message)
        return work

    def split(self) -> tuple[Self, Self]:
        """Take one reference or message out; returns it, and the rest."""
        rest = replace(self, **{one.name: list(getattr(self, one.name)) for one in fields(self)})
        one = type(self)()
        for name in (each.name for each in fields(self)):
            if waiting := getattr(rest, name):
                getattr(one, name).append(waiting.pop(0))
                break
        return one, rest

    def add(self, message: AnyMessage) -> None:
        """Add the work that a lane message asks for."""
        match message:
            case ReferenceBatch():
                self.people += message.unfold()
            case Jobs():
                self.jobs.append(message)
            case Permissions():
                self.permissions.append(message)
            case Walk():
                self.walks.append(message)
            case Replay():
                self.replays.append(message)
            case Compare():
                self.comparisons.append(message)
            case Engage():
                self.engagements.append(message)
            case ListStep() | ListMembers() | ListLook() | ListClean():
                self.lists.append(message)
            case Unchecked():
                self.unchecked.append(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Does the work of one trigger call, as far as there is time for it.

    `work_time` is how long after its begin a call may begin parts of its work (`Settings.work_time`).
    """

    crm: Crm
    people: RecordHandler
    jobs: JobRunner
    resync: Resync
    release: Release
    comparison: Comparison
    engagement: Engagement
    lists: Lists
    lanes: Lanes
    redelivery: Redelivery
    clock: Clock
    work_time: timedelta
    circuits: Circuits
    priority: Priority
    policy: RetryPolicy

    async def dispatch(self, work: Work, *, lane: QueueName, began: datetime | None = None) -> None:
        """Do the work, or put back what there is no time for. When this returns, no work is lost.

        `began` is when the messages were received, if that was earlier. While a circuit of the lane is open, all work
        is put back unread; when a probe is due, one message is handled. Unchecked messages are left alone.
        """
        began = began or self.clock.now()
        turn = await self.circuits.turn(lane)
        match turn:
            case Pause():
                await self._put_back(work, lane, turn)
                return
            case Probe(others=others):
                work, rest = work.split()
                await self._put_back(rest, lane, others)
            case Flow():
                pass
        is_bulk = lane is QueueName.BULK
        with tallying() as tally, self.priority.bulk() if is_bulk else self.priority.live():
            await self._do_all(work, lane, began)
        try:
            await self.circuits.learn(lane, tally, turn)
        except ConnectorError as error:  # the work is done; the next call updates the circuits
            log.warning("the circuits of %s cannot be kept: %s", lane, error)

    async def _put_back(self, work: Work, lane: QueueName, pause: Pause) -> None:
        """Put everything back until a pause is over, spread over some time. This is no attempt."""
        when = pause.until + self.policy.spread(pause.length)
        now = self.clock.now()
        people = [replace(one, first_seen=one.first_seen or now) for one in work.people]
        await self.lanes.send_references(lane, people, when)
        for message in (*work.permissions, *work.others):
            await self.lanes.send_later(lane, message, when)

    async def _do_all(self, work: Work, lane: QueueName, began: datetime) -> None:
        """Handle people in half of the time if other messages came with them, then the other messages.

        A message that fails is postponed by itself. An error would repeat the whole batch at once, and dead-letter it
        after the maximum of deliveries; it is raised only if the queue cannot be reached.
        """
        others = work.others
        people: list[Reference] = [*work.people]
        with spending(TimeBudget(self.clock, began + self.work_time / (2 if others else 1))):
            people += await self._owners(work.permissions, lane)
            done = await attempt(lambda: self._handle_references(people, lane), f"{len(people)} references")
        if isinstance(done, ConnectorError):
            await self.redelivery.postpone_references(lane, people, done)
        budget = TimeBudget(self.clock, began + self.work_time)
        if people:
            budget.count_part()
        with spending(budget):
            for message in others:
                if budget.may_begin:
                    await self._do_or_postpone(message, lane)  # it counts its own parts, if it has several
                    budget.count_part()
                else:
                    await self.redelivery.put_back(lane, message)

    async def _handle_references(self, people: Sequence[Reference], lane: QueueName) -> None:
        """Synchronise people; a message may ask for no more than the job that it names."""
        await self.people.handle(await self.jobs.verify(people), lane=lane)

    async def _do_or_postpone(self, message: OtherMessage, lane: QueueName) -> None:
        done = await attempt(lambda: self._do_one(message, lane), message.kind)
        if isinstance(done, ConnectorError):
            await self.redelivery.postpone(lane, message, done)

    async def _do_one(self, message: OtherMessage, lane: QueueName) -> None:
        match message:
            case Jobs():
                await self.jobs.run(message, lane=lane)
            case Walk():
                await self.resync.walk(message, lane=lane)
            case Replay():
                await self.release.replay(message, lane=lane)
            case Compare():
                await self.comparison.step(message, lane=lane)
            case Engage():
                await self.engagement.step(message, lane=lane)
            case _:
                await self.lists.handle(message, lane=lane)

    async def _owners(self, messages: Sequence[Permissions], lane: QueueName) -> list[Reference]:
        """Return references to the people of Spotler Permission rows (CS-11)."""
        owners: list[Reference] = []
        for message in _permissions_together(messages):
            people = await self._people_behind(message)
            if isinstance(people, ConnectorError):
                await self.redelivery.postpone(lane, message, people)
            else:
                owners += [Reference(key, Why.PERMISSION, message.correlation) for key in people]
        return owners

    async def _people_behind(self, message: Permissions) -> Collection[RecordKey] | ConnectorError:
        return await attempt(lambda: self.crm.people_of_permissions(message.permissions), message.kind)


async def postpone_all(work: Work, redelivery: Redelivery, *, lane: QueueName, error: ConnectorError) -> None:
    """Postpone all work, because no part of it can be done now. Needs the queue alone."""
    await redelivery.postpone_references(lane, work.people, error)
    for message in (*_permissions_together(work.permissions), *work.others, *work.unchecked):
        await redelivery.postpone(lane, message, error)


def _jobs_together(messages: Iterable[Jobs]) -> list[Jobs]:
    """Combine messages of the same attempt; each job once, with the correlation id of its latest message."""
    folded: dict[int, dict[UUID, str]] = {}
    waits_since: dict[int, datetime | None] = {}
    for message in messages:
        folded.setdefault(message.attempt, {}).update({job: message.correlation_of(job) for job in message.jobs})
        waits_since[message.attempt] = earliest((waits_since.get(message.attempt), message.waits_since))
    return [Jobs.of(jobs, attempt, waits_since[attempt]) for attempt, jobs in folded.items()]


def _permissions_together(messages: Iterable[Permissions]) -> list[Permissions]:
    """Combine messages of the same attempt, each row once.

    Dataverse's answer does not tell whose row is which: several changes together have no correlation id.
    """
    folded: dict[int, list[Permissions]] = {}
    for message in messages:
        folded.setdefault(message.attempt, []).append(message)
    return [
        Permissions(
            permissions=list(dict.fromkeys(row for one in same for row in one.permissions)),
            correlation=same[0].correlation if len({one.correlation for one in same}) == 1 else "",
            attempt=attempt,
            waits_since=earliest(one.waits_since for one in same),
        )
        for attempt, same in folded.items()
    ]
