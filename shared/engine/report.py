"""Reports results to Dataverse: Spotler Info rows and Spotler Job rows, in one request, only what changed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from shared.domain.records.jobs import JobResult, JobStatus
from shared.domain.records.outcomes import LONGEST_REASON, Outcome, Reason, Result, lists_problems
from shared.domain.records.records import RecordKey, SyncStatus
from shared.domain.recovery.retry import GiveUp, RetryAt
from shared.domain.values.values import clipped
from shared.engine.guards.priority import breathe
from shared.engine.work_items import ItemResult
from shared.errors import ConnectorError, NotFoundError
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm, JobReport, StatusReport, TimelinePost
from shared.telemetry.outcomes import person_job_ended

log = logging.getLogger(__name__)

_INFO = UUID("8d3a3f0e-6b0f-4f0a-9a0e-5b1c2d7e9f10")
"""Namespace of Spotler Info ids: a record's row has the same id however often it is created."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Writes statuses and job results."""

    crm: Crm
    clock: Clock

    async def report(
        self, finished: Sequence[ItemResult], posts: Sequence[TimelinePost] = ()
    ) -> dict[RecordKey, ConnectorError]:
        """Report all; return the records whose report did not get through.

        A row that is gone needs no report. `posts` are optional: the rows of jobs have what they say.
        """
        now = self.clock.now()
        finished = await self._with_records(finished)
        jobs: list[tuple[ItemResult, JobReport]] = []
        reports: list[tuple[RecordKey, StatusReport | JobReport]] = []
        for one in _last_per_record(finished):
            await breathe()
            if (status := _status_report(one, now)) is not None:
                reports.append((one.item.key, status))
        for one in finished:
            jobs += [(one, job) for job in _job_reports(one, now)]
        reports += [(one.item.key, job) for one, job in jobs]
        if not reports and not posts:
            return {}
        try:
            problems = await self.crm.report([*(report for _, report in reports), *posts])
        except ConnectorError as error:
            return {key: error for key, _ in reports}
        for post, problem in zip(posts, problems[len(reports) :], strict=True):
            if problem is not None:
                log.warning("the post %s was not written: %s", post.id, problem)
        problems = problems[: len(reports)]
        for (one, job), problem in zip(jobs, problems[len(problems) - len(jobs) :], strict=True):
            if problem is None:
                person_job_ended(one.item.intent, job, one.item.references, now)
        return {
            key: problem
            for (key, _), problem in zip(reports, problems, strict=True)
            if problem is not None and not isinstance(problem, NotFoundError)
        }

    async def _with_records(self, finished: Sequence[ItemResult]) -> Sequence[ItemResult]:
        """Read the records that were given up before they were read: the report goes to their owners."""
        unread = {one.item.key for one in finished if one.record is None and isinstance(one.next, GiveUp)}
        if not unread:
            return finished
        try:
            records = await self.crm.read_people(sorted(unread))
        except ConnectorError:  # Dataverse is down; the dead letter has the reason
            return finished
        return [replace(one, record=one.record or records.get(one.item.key)) for one in finished]


def info_id(key: RecordKey) -> UUID:
    """Return the id of a record's Spotler Info row."""
    return uuid5(_INFO, str(key))


def _last_per_record(finished: Sequence[ItemResult]) -> Sequence[ItemResult]:
    return list({one.item.key: one for one in finished}.values())


def _status_report(one: ItemResult, now: datetime) -> StatusReport | None:
    """STA-01; None for a wait of a few seconds, and None if the row says the same already."""
    outcome, record = one.outcome, one.record
    if record is None or outcome.status is None or outcome.reason is Reason.BUSY:
        return None
    known, text = record.status, clipped(outcome.text, LONGEST_REASON)
    if known is not None and known.status is SyncStatus.OPT_OUT and not _is_agreement(outcome):
        return None  # only a contact that can be mailed again ends an opt-out (OPT-08), no erasure and no failure
    same = known is not None and (known.status, known.reason_code, known.reason) == (
        outcome.status,
        outcome.reason,
        text,
    )
    is_as_before = outcome.result is Result.UNCHANGED and known is not None and known.status is outcome.status
    if same and outcome.result is not Result.WRITTEN:
        return None
    reported = known.reason if known is not None else ""
    has_problems = bool(outcome.problems) or lists_problems(reported)
    if is_as_before and outcome.agrees_on_sharing(reported) and not (has_problems or one.item.may_be_unreported):
        return None
    return StatusReport(
        key=one.item.key,
        info=known.id if known else info_id(one.item.key),
        bind=known is None,
        status=outcome.status,
        reason_code=outcome.reason,
        reason=text,
        external_id=one.external_id,
        synced_on=now if outcome.result in {Result.WRITTEN, Result.UNCHANGED, Result.ANONYMISED} else None,
    )


def _is_agreement(outcome: Outcome) -> bool:
    return outcome.result in {Result.WRITTEN, Result.UNCHANGED} or outcome.reason is Reason.OPTED_OUT


def _job_reports(one: ItemResult, now: datetime) -> list[JobReport]:
    jobs = {reference.job for reference in one.item.references if reference.job is not None}
    if not jobs or isinstance(one.next, RetryAt):
        return []
    status = JobStatus.COMPLETED if is_success(one.outcome) else JobStatus.FAILED
    return [
        JobReport(job, status, result_code(one.outcome), one.outcome.text, completed_on=now) for job in sorted(jobs)
    ]


def is_success(outcome: Outcome) -> bool:
    """Whether a job that asked for it has succeeded."""
    match outcome.result:
        case Result.WRITTEN | Result.UNCHANGED | Result.ANONYMISED | Result.KEPT:
            return True
        case Result.SKIPPED | Result.FAILED | Result.WAITING:
            return False


def result_code(outcome: Outcome) -> str:
    """JOB-26: `OK`, for an erasure 410 or 404 (ANON-09, ANON-10), otherwise the reason's code."""
    if outcome.result is Result.ANONYMISED:
        return "404" if outcome.http_status == 404 else "410"  # noqa: PLR2004  # the specification's own numbers
    return JobResult.OK if is_success(outcome) else outcome.reason
