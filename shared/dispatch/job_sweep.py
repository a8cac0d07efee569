"""Finds Spotler Jobs without a worker: missed while the connector was down, lost, or stuck (JOB-28, C-23)."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from shared.domain.records.jobs import JobStatus
from shared.messages.lane_messages import Jobs, Lanes
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.queue import QueueName
from shared.ports.state import Delete, DocumentKey, Put, StateStore
from shared.telemetry.signals import STUCK_JOBS, record
from shared.telemetry.traces import current_correlation

log = logging.getLogger(__name__)

_MOST = 5000
_PER_MESSAGE = 100
_QUIET = timedelta(hours=1)
"""A job that was sent to the lane is not sent again for so long: its own retries are under way."""

QUEUED_FOR_HOURS = timedelta(hours=3)
"""Jobs take seconds: after this time there is an alarm (C-23)."""

QUEUED_TOO_LONG = timedelta(hours=24)
"""After this time health reports the job as a problem (JOB-28, C-23)."""

IN_PROGRESS_TOO_LONG = timedelta(hours=1)
LOST_AFTER = timedelta(hours=24)
"""Longer than any pause between two attempts: each attempt notes its time."""

_MOST_STUCK, _TOLD = 100, 20


@dataclass(frozen=True, slots=True)
class StuckJobs:
    """The oldest hundred jobs of either kind that take too long."""

    queued: Sequence[UUID]
    in_progress: Sequence[UUID]


class JobSweep:
    """Reads the job table, so that a lost message costs minutes and not the job."""

    def __init__(
        self, *, crm: Crm, lanes: Lanes, store: StateStore, clock: Clock, environment: str, missed_after: timedelta
    ) -> None:
        """`missed_after` is how long the message of a new job may take."""
        self._crm = crm
        self._lanes = lanes
        self._store = store
        self._clock = clock
        self._missed_after = missed_after
        self._partition = f"{environment}-sweep"

    async def sweep(self) -> int:
        """Send jobs that nobody took to the live lane; returns how many. Raises ConnectorErrors.

        A job that was begun has its next attempt scheduled, or a worker. After a day its message counts as lost.
        Operations that must not be done twice are safe: the journal holds what was sent.
        """
        now = self._clock.now()
        queued = await self._crm.jobs_in(JobStatus.QUEUED, before=now - self._missed_after, limit=_MOST)
        lost_since = now - LOST_AFTER
        running = await self._crm.jobs_in(JobStatus.IN_PROGRESS, before=lost_since, limit=_MOST)
        recent = await self._recently_swept(now)
        missed = [
            job.id
            for job in (*queued, *running)
            if (job.started_on is None or job.started_on <= lost_since) and job.id not in recent
        ]
        if missed:
            chunks = [missed[start : start + _PER_MESSAGE] for start in range(0, len(missed), _PER_MESSAGE)]
            correlation = current_correlation() or str(uuid4())
            await self._lanes.send(QueueName.LIVE, *(Jobs(jobs=chunk, correlation=correlation) for chunk in chunks))
            log.warning("%d Spotler Jobs were missed and are done now", len(missed), extra={"correlation": correlation})
            await self._save_swept(missed, now)
        return len(missed)

    async def stuck(self, queued_for: timedelta = QUEUED_FOR_HOURS) -> StuckJobs:
        """Return jobs that are Queued for so long, or In Progress for more than an hour. ConnectorErrors."""
        now = self._clock.now()
        queued = await self._crm.jobs_in(JobStatus.QUEUED, before=now - queued_for, limit=_MOST_STUCK)
        running = await self._crm.jobs_in(JobStatus.IN_PROGRESS, before=now - IN_PROGRESS_TOO_LONG, limit=_MOST_STUCK)
        return StuckJobs([job.id for job in queued], [job.id for job in running])

    async def state(self) -> dict[str, int]:
        """Return as JSON how many jobs take too long (C-23)."""
        stuck = await self.stuck(QUEUED_TOO_LONG)
        return {"queuedTooLong": len(stuck.queued), "inProgressTooLong": len(stuck.in_progress)}

    async def warn_of_stuck(self) -> StuckJobs:
        """Find stuck jobs, measure them for the alarm, and log them."""
        stuck = await self.stuck()
        for status, jobs in ((JobStatus.QUEUED, stuck.queued), (JobStatus.IN_PROGRESS, stuck.in_progress)):
            record(STUCK_JOBS, len(jobs), status=status)
        _warn(stuck.queued, f"Queued for more than {QUEUED_FOR_HOURS}")
        _warn(stuck.in_progress, f"In Progress for more than {IN_PROGRESS_TOO_LONG}")
        return stuck

    async def _recently_swept(self, now: datetime) -> Collection[UUID]:
        """Return the jobs that were swept recently, and delete older notes."""
        page = await self._store.scan(self._partition, limit=_MOST)
        old = [one for one in page.documents if now - datetime.fromisoformat(one.body["sweptOn"]) >= _QUIET]
        await self._store.write([Delete(one.key) for one in old])
        return {UUID(one.key.row) for one in page.documents} - {UUID(one.key.row) for one in old}

    async def _save_swept(self, jobs: Sequence[UUID], now: datetime) -> None:
        body = {"sweptOn": now.isoformat()}
        await self._store.write([Put(DocumentKey(self._partition, str(job)), body) for job in jobs])


def _warn(jobs: Sequence[UUID], how: str) -> None:
    if jobs:
        count = f"{len(jobs)} or more" if len(jobs) == _MOST_STUCK else str(len(jobs))
        log.warning("%s Spotler Jobs are %s, the oldest: %s", count, how, ", ".join(map(str, jobs[:_TOLD])))
