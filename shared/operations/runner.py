"""Runs Spotler Jobs: Queued, In Progress, then Completed or Failed with a result (JOB-25, TRB-01)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from shared.core.jobs import JobResult, JobRow, JobStatus, Operation
from shared.errors import ConnectorError, NotFoundError
from shared.operations.operation import JobOperation, Look, Refused
from shared.ports import Clock, Crm, JobReport, QueueName
from shared.sync.lanes import Jobs
from shared.sync.patience import Patience
from shared.sync.people import SyncPeople

log = logging.getLogger(__name__)


class JobRunner:
    """Takes jobs by id. Every job ends, is scheduled again, or is buried with its reason."""

    def __init__(
        self,
        *,
        crm: Crm,
        people: SyncPeople,
        patience: Patience,
        clock: Clock,
        operations: Mapping[Operation, JobOperation],
    ) -> None:
        self._crm = crm
        self._people = people
        self._patience = patience
        self._clock = clock
        self._operations = operations

    async def run(self, message: Jobs, *, lane: QueueName) -> None:
        """Run the jobs that are still to be run; an ended or deleted job needs nothing."""
        try:
            rows = await self._crm.read_jobs(message.jobs)
            open_jobs = [job for job in rows.values() if not job.status.is_final]
            accepted = await self._start(open_jobs, message, lane)
        except ConnectorError as error:
            await self._patience.postpone(lane, message, error)
            return
        await self._people.handle([look.reference for look in accepted], lane=lane)

    async def _start(self, jobs: Sequence[JobRow], message: Jobs, lane: QueueName) -> list[Look]:
        """Move jobs to In Progress, or to Failed when they cannot be run; each only if nobody else has it."""
        now = self._clock.now()
        looks: list[tuple[JobRow, Look]] = []
        reports: list[tuple[JobRow, JobReport]] = []
        for job in jobs:
            match self._accept(job):
                case Look() as look:
                    looks.append((job, look))
                    if job.status is JobStatus.QUEUED:
                        claim = JobReport(job.id, JobStatus.IN_PROGRESS, started_on=now, if_etag=job.etag)
                        reports.append((job, claim))
                case Refused(text):
                    log.warning("job %s refused", job.id, extra={"correlation": message.correlation})
                    failed = JobReport(
                        job.id,
                        JobStatus.FAILED,
                        JobResult.NOT_VALID,
                        f"{JobResult.NOT_VALID} {text}",
                        started_on=now,
                        completed_on=now,
                        if_etag=job.etag,
                    )
                    reports.append((job, failed))
        problems = await self._crm.report([report for _, report in reports]) if reports else []
        troubled = {job.id: problem for (job, _), problem in zip(reports, problems, strict=True) if problem is not None}
        for identifier, problem in troubled.items():
            if isinstance(problem, NotFoundError):
                continue  # somebody deleted the job
            again = message.model_copy(update={"jobs": [identifier]})
            await self._patience.postpone(lane, again, problem)
        return [look for job, look in looks if job.id not in troubled]

    def _accept(self, job: JobRow) -> Look | Refused:
        operation = self._operations.get(job.operation) if job.operation is not None else None
        if operation is None:
            name = job.operation.label if job.operation is not None else "Operation (empty or unknown)"
            return Refused(f"{name} cannot be run by this version of the connector; choose another operation.")
        return operation.accept(job)
