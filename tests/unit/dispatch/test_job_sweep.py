"""Jobs without a worker: missed ones are sent once, stuck ones are logged (JOB-28, C-23)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from shared.dispatch.job_sweep import JobSweep, StuckJobs
from shared.domain.records.jobs import JobRow, JobStatus, Operation
from shared.messages.lane_messages import Jobs, Lanes, read_lane_message
from shared.ports.queue import QueueName
from shared.telemetry.signals import STUCK_JOBS
from tests.contract.clocks import ManualClock
from tests.telemetry import listening
from tests.twins import TwinQueue, TwinStore

MINUTES, HOUR = timedelta(minutes=5), timedelta(hours=1)


@dataclass
class JobTable:
    """Jobs with the time since when they have their status."""

    jobs: dict[UUID, tuple[JobRow, datetime]] = field(default_factory=dict)

    def add(self, number: int, status: JobStatus, since: datetime, started_on: datetime | None = None) -> None:
        row = JobRow(UUID(int=number), status, Operation.ADD_TAG, None, "", started_on=started_on)
        self.jobs[row.id] = (row, since)

    async def jobs_in(self, status: JobStatus, *, before: datetime, limit: int) -> Sequence[JobRow]:
        found = [(since, row) for row, since in self.jobs.values() if row.status is status and since <= before]
        return [row for _, row in sorted(found, key=lambda pair: pair[0])[:limit]]


@dataclass
class Sweeping:
    clock: ManualClock
    table: JobTable
    queue: TwinQueue
    store: TwinStore
    sweep: JobSweep

    def sent(self) -> list[list[int]]:
        """The messages on the live lane since the last call."""
        messages = [read_lane_message(one.message.body) for one in self.queue.waiting if one.lane is QueueName.LIVE]
        self.queue.waiting.clear()
        return [[job.int for job in message.jobs] for message in messages if isinstance(message, Jobs)]


@pytest.fixture
def sweeping() -> Sweeping:
    clock = ManualClock()
    table, queue, store = JobTable(), TwinQueue(clock), TwinStore()
    sweep = JobSweep(crm=table, lanes=Lanes(queue), store=store, clock=clock, environment="test", missed_after=MINUTES)
    return Sweeping(clock, table, queue, store, sweep)


async def test_jobs_that_were_never_begun_are_put_on_the_live_lane_oldest_first(sweeping: Sweeping) -> None:
    now = sweeping.clock.now()
    sweeping.table.add(1, JobStatus.QUEUED, now - MINUTES)
    sweeping.table.add(2, JobStatus.QUEUED, now - HOUR)
    assert await sweeping.sweep.sweep() == 2
    assert sweeping.sent() == [[2, 1]]


async def test_a_fresh_job_is_left_to_its_message_and_a_begun_one_to_its_retry(sweeping: Sweeping) -> None:
    now = sweeping.clock.now()
    sweeping.table.add(1, JobStatus.QUEUED, now - MINUTES / 2)
    sweeping.table.add(2, JobStatus.QUEUED, now - HOUR, started_on=now - HOUR)
    sweeping.table.add(3, JobStatus.IN_PROGRESS, now - HOUR)
    sweeping.table.add(4, JobStatus.COMPLETED, now - HOUR)
    assert await sweeping.sweep.sweep() == 0
    assert sweeping.sent() == []


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.IN_PROGRESS])
async def test_a_job_that_was_begun_a_day_ago_and_has_not_ended_is_taken_up_again(
    sweeping: Sweeping, status: JobStatus
) -> None:
    now = sweeping.clock.now()
    sweeping.table.add(1, status, now - 30 * HOUR, started_on=now - 24 * HOUR)
    sweeping.table.add(2, status, now - 30 * HOUR, started_on=now - 23 * HOUR)
    assert await sweeping.sweep.sweep() == 1
    assert sweeping.sent() == [[1]]


async def test_a_job_is_not_taken_up_again_within_the_hour(sweeping: Sweeping) -> None:
    sweeping.table.add(1, JobStatus.QUEUED, sweeping.clock.now() - HOUR)
    assert await sweeping.sweep.sweep() == 1
    sweeping.clock.advance(timedelta(minutes=59))
    assert await sweeping.sweep.sweep() == 0
    sweeping.clock.advance(timedelta(minutes=1))
    assert await sweeping.sweep.sweep() == 1
    assert sweeping.sent() == [[1], [1]]


async def test_swept_jobs_are_forgotten_after_the_hour(sweeping: Sweeping) -> None:
    sweeping.table.add(1, JobStatus.QUEUED, sweeping.clock.now() - HOUR)
    await sweeping.sweep.sweep()
    sweeping.table.jobs.clear()
    sweeping.clock.advance(HOUR)
    await sweeping.sweep.sweep()
    assert sweeping.store.documents == {}


async def test_many_jobs_travel_a_hundred_to_a_message(sweeping: Sweeping) -> None:
    since = sweeping.clock.now() - HOUR
    for number in range(250):
        sweeping.table.add(number, JobStatus.QUEUED, since)
    assert await sweeping.sweep.sweep() == 250
    assert [len(message) for message in sweeping.sent()] == [100, 100, 50]


async def test_stuck_jobs_are_logged_by_id(sweeping: Sweeping, caplog: pytest.LogCaptureFixture) -> None:
    now = sweeping.clock.now()
    sweeping.table.add(1, JobStatus.QUEUED, now - timedelta(hours=3))
    sweeping.table.add(2, JobStatus.QUEUED, now - timedelta(hours=2))
    sweeping.table.add(3, JobStatus.IN_PROGRESS, now - HOUR)
    sweeping.table.add(4, JobStatus.IN_PROGRESS, now - MINUTES)
    with caplog.at_level(logging.WARNING):
        assert await sweeping.sweep.warn_of_stuck() == StuckJobs([UUID(int=1)], [UUID(int=3)])
    queued, running = [record.getMessage() for record in caplog.records]
    assert "Queued for more than" in queued
    assert str(UUID(int=1)) in queued
    assert "In Progress for more than" in running
    assert str(UUID(int=3)) in running


@pytest.mark.parametrize(("hours", "alarm", "health"), [(2, 0, 0), (3, 1, 0), (23, 1, 0), (24, 1, 1), (48, 1, 1)])
async def test_c_23_a_job_that_is_queued_for_three_hours_alarms_and_health_counts_it_after_a_day(
    sweeping: Sweeping, hours: int, alarm: int, health: int
) -> None:
    sweeping.table.add(1, JobStatus.QUEUED, sweeping.clock.now() - timedelta(hours=hours))
    with listening() as telemetry:
        await sweeping.sweep.warn_of_stuck()
        measured = telemetry.values(STUCK_JOBS, status=JobStatus.QUEUED)

    assert measured[-1] == alarm
    assert await sweeping.sweep.state() == {"queuedTooLong": health, "inProgressTooLong": 0}


async def test_without_stuck_jobs_nothing_is_logged(sweeping: Sweeping, caplog: pytest.LogCaptureFixture) -> None:
    sweeping.table.add(1, JobStatus.QUEUED, sweeping.clock.now())
    with caplog.at_level(logging.WARNING):
        assert await sweeping.sweep.warn_of_stuck() == StuckJobs([], [])
    assert caplog.records == []
