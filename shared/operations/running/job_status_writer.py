"""Writes the status of jobs to their rows: taken, ended, or queued again."""

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID, uuid5

from shared.domain.records.jobs import JobResult, JobRow, JobStatus
from shared.domain.records.outcomes import Reason
from shared.domain.recovery.retry import GiveUp
from shared.errors import ConflictError, ConnectorError, NotFoundError
from shared.messages.lane_messages import Jobs
from shared.messages.redelivery import Redelivery
from shared.messages.tally import note_success
from shared.operations.model.operation import Failed, HandedOver, JobOutcome, Later, Succeeded, Unknown
from shared.ports.clock import Clock
from shared.ports.dataverse import Asked, Crm, JobReport, RecordAccess, Report, TimelinePost
from shared.ports.queue import QueueName
from shared.telemetry.outcomes import job_ended

log = logging.getLogger(__name__)

_POSTS = UUID("b7b1d3c4-53f4-4c8b-9a8e-6d1f0a2e7c35")
"""Namespace of the ids of posts: a job has one post, however often it is reported."""

_SEPARATOR = ", "


class JobStatusWriter:
    """Writes the rows of the jobs of one message; what cannot be written or done now is sent again."""

    def __init__(
        self,
        *,
        crm: Crm,
        access: RecordAccess,
        redelivery: Redelivery,
        clock: Clock,
        message: Jobs,
        lane: QueueName,
    ) -> None:
        self._crm = crm
        self._access = access
        self._redelivery = redelivery
        self._clock = clock
        self._message = message
        self._lane = lane

    async def take(self, jobs: Sequence[JobRow], rights: Collection[Asked]) -> frozenset[UUID]:
        """Move jobs to In Progress; returns those whose row has not changed meanwhile.

        `rights` are read in the same request: a privileged job needs no request more.
        """
        now = self._clock.now()
        reports = [JobReport(job.id, JobStatus.IN_PROGRESS, started_on=now, if_etag=job.etag) for job in jobs]
        write = partial(self._access.report_and_ask, asked=rights) if rights else self._crm.report
        problems = await _problems(write, reports)
        await self._retry_unwritten(jobs, problems)
        return frozenset(job.id for job, problem in zip(jobs, problems, strict=True) if problem is None)

    async def refuse(self, refusals: Sequence[tuple[JobRow, str]]) -> None:
        """End jobs that cannot be run as they are, each only if its row has not changed meanwhile."""
        now = self._clock.now()
        reports = [
            JobReport(
                job.id,
                JobStatus.FAILED,
                JobResult.NOT_VALID,
                f"{JobResult.NOT_VALID} {text}",
                started_on=now,
                completed_on=now,
                if_etag=job.etag,
            )
            for job, text in refusals
        ]
        for report in reports:
            log.warning("job %s refused", report.id, extra={"correlation": self._message.correlation_of(report.id)})
        for (job, _), report in zip(refusals, reports, strict=True):
            job_ended(job, report, self._message.correlation_of(job.id), now)
        await self._retry_unwritten([job for job, _ in refusals], await _problems(self._crm.report, reports))

    async def end(
        self, ends: Sequence[tuple[JobRow, JobOutcome]], *, only_if_unchanged: bool = False
    ) -> frozenset[UUID]:
        """Write the ends of jobs and queue the others again; returns the jobs whose row now has their end.

        `only_if_unchanged`: leave rows alone that have changed since they were read.
        """
        now = self._clock.now()
        note_success(sum(1 for _, outcome in ends if not isinstance(outcome, Later)))
        settled = [(job, self._settle(outcome)) for job, outcome in ends]
        later = [(job, outcome.error) for job, outcome in settled if isinstance(outcome, Later)]
        final = [(job, report) for job, outcome in settled if (report := _final(job, outcome, now)) is not None]
        if only_if_unchanged:
            final = [(job, replace(report, if_etag=job.etag)) for job, report in final]
        back = [JobReport(job.id, JobStatus.QUEUED) for job, error in later if not isinstance(error, ConflictError)]
        posts = [post for job, outcome in settled if (post := _post(job, outcome)) is not None]
        problems = await _problems(self._crm.report, [*(report for _, report in final), *back, *posts])
        written = problems[: len(final)]
        await self._retry_unwritten([job for job, _ in final], written)
        await self._postpone([(job.id, error) for job, error in later])
        for post, problem in zip(posts, problems[len(final) + len(back) :], strict=True):
            if problem is not None:  # the post is optional: the row of the job has the result
                log.warning("the post %s was not written: %s", post.id, problem)
        for job, report in final:
            correlation = self._message.correlation_of(job.id)
            log.info("job %s %s (%s)", job.id, report.status, report.result_code, extra={"correlation": correlation})
            job_ended(job, report, correlation, self._clock.now())
        return frozenset(report.id for (_, report), problem in zip(final, written, strict=True) if problem is None)

    async def wait(self, jobs: Sequence[JobRow], until: datetime) -> None:
        """Send jobs again at a known time: another worker has them."""
        await self._redelivery.wait(self._lane, self._of([job.id for job in jobs]), until)

    async def postpone(self, jobs: Sequence[JobRow], error: ConnectorError) -> None:
        """Send jobs again when an error is likely to be over; their rows stay as they are."""
        await self._postpone([(job.id, error) for job in jobs])

    def _settle(self, outcome: JobOutcome) -> JobOutcome:
        """Return a failure instead of a retry after the last attempt."""
        if isinstance(outcome, Later) and isinstance(self._redelivery.after(self._message, outcome.error), GiveUp):
            text = f"Given up after repeated failures: {outcome.error}. Create a new job to try again."
            return Failed(Reason.GAVE_UP, text)
        return outcome

    async def _retry_unwritten(self, jobs: Sequence[JobRow], problems: Sequence[ConnectorError | None]) -> None:
        """Send jobs again whose row could not be written, except deleted jobs."""
        await self._postpone(
            [
                (job.id, problem)
                for job, problem in zip(jobs, problems, strict=True)
                if problem is not None and not isinstance(problem, NotFoundError)
            ]
        )

    async def _postpone(self, failed: Sequence[tuple[UUID, ConnectorError]]) -> None:
        """Send jobs again, those with the same error in one message."""
        by_error: defaultdict[str, list[tuple[UUID, ConnectorError]]] = defaultdict(list)
        for job, error in failed:
            by_error[str(error)].append((job, error))
        for group in by_error.values():
            await self._redelivery.postpone(self._lane, self._of([job for job, _ in group]), group[-1][1])

    def _of(self, jobs: Sequence[UUID]) -> Jobs:
        return self._message.part(jobs)


async def _problems(
    write: Callable[[Sequence[Report]], Awaitable[Sequence[ConnectorError | None]]], reports: Sequence[Report]
) -> Sequence[ConnectorError | None]:
    """Write reports; if the request failed, its error is that of each report."""
    if not reports:
        return ()
    try:
        return await write(reports)
    except ConnectorError as error:
        return [error] * len(reports)


def _final(job: JobRow, outcome: JobOutcome, now: datetime) -> JobReport | None:
    match outcome:
        case Succeeded(text, code, runs=runs):
            report = JobReport(job.id, JobStatus.COMPLETED, code, text, completed_on=now)
            return replace(report, automation_contact_id=_SEPARATOR.join(runs))
        case Failed(code, text) | Unknown(code=code, text=text):
            return JobReport(job.id, JobStatus.FAILED, code, text, completed_on=now)
        case Later() | HandedOver():
            return None


def _post(job: JobRow, outcome: JobOutcome) -> TimelinePost | None:
    if job.person is None or not isinstance(outcome, Succeeded) or not outcome.post:
        return None
    return TimelinePost(uuid5(_POSTS, str(job.id)), job.person, outcome.post)
