"""Handles everything that a trigger delivers in one call: people in one batch, jobs in one batch."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from shared.dispatch.forecasts import Forecasts
from shared.dispatch.resync import Resync
from shared.dispatch.work import OtherMessage, Work, parts_of, permissions_together
from shared.domain.records.records import RecordKey, Reference, Why
from shared.domain.recovery.retry import RetryPolicy
from shared.domain.wording.causes.work_causes import WorkCause
from shared.engagement.service import Engagement
from shared.engine.bindings.claim_deadline import TimeBudget, spending
from shared.engine.guards.attempt import attempt
from shared.engine.guards.circuits import Circuits, Flow, Pause, Probe
from shared.engine.guards.priority import Priority
from shared.engine.guards.release import Release
from shared.engine.record_handler import RecordHandler
from shared.errors import ConnectorError
from shared.inbound.comparison import Comparison
from shared.lists.service import Lists
from shared.messages.lane_messages import (
    Compare,
    Engage,
    ForecastStep,
    Jobs,
    Lanes,
    Permissions,
    Replay,
    Walk,
)
from shared.messages.redelivery import Redelivery
from shared.messages.tally import tallying
from shared.operations.running.runner import JobRunner
from shared.ports.background import side_by_side
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.queue import QueueName

log = logging.getLogger(__name__)


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
    forecasts: Forecasts
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
            done = await attempt(lambda: self._handle_references(people, lane), WorkCause.REFERENCES(count=len(people)))
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
        """Synchronise people, very many in parts side by side: while one waits for a service, another one computes.

        A message may ask for no more than the job that it names. An error is raised when all parts have ended.
        """
        verified = await self.jobs.verify(people)
        parts = parts_of(verified) if self.people.engine.is_quick else [verified]
        await side_by_side([partial(self.people.handle, part, lane=lane) for part in parts])

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
            case ForecastStep():
                await self.forecasts.step(message, lane=lane)
            case _:
                await self.lists.handle(message, lane=lane)

    async def _owners(self, messages: Sequence[Permissions], lane: QueueName) -> list[Reference]:
        """Return references to the people of Spotler Permission rows (CS-11)."""
        owners: list[Reference] = []
        for message in permissions_together(messages):
            people = await self._people_behind(message)
            if isinstance(people, ConnectorError):
                await self.redelivery.postpone(lane, message, people)
            else:
                owners += [Reference(key, Why.PERMISSION, message.correlation) for key in people]
        return owners

    async def _people_behind(self, message: Permissions) -> Collection[RecordKey] | ConnectorError:
        return await attempt(lambda: self.crm.people_of_permissions(message.permissions), message.kind)
