"""Jobs: what did people ask for, what failed, what waits too long (JOB-28)."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from uuid import UUID, uuid4

from shared.composition import app
from shared.console.reasons import cure_of, text_of
from shared.console.rendering.code_words import JOB_RESULTS
from shared.console.rendering.words import said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.dispatch.job_sweep import QUEUED_FOR_HOURS, QUEUED_TOO_LONG
from shared.domain.records.jobs import JobResult, JobStatus
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import RecordKey
from shared.errors import ConflictError
from shared.messages.lane_messages import Jobs
from shared.ports.queue import QueueName

_MOST = 50
_REPEATED = said("This job has not failed, or it was repeated meanwhile.")

STATUS_TEXTS = {
    JobStatus.QUEUED: (Tone.INFO, "clock", said("Queued")),
    JobStatus.IN_PROGRESS: (Tone.INFO, "running", said("In progress")),
    JobStatus.COMPLETED: (Tone.OK, "ok", said("Completed")),
    JobStatus.FAILED: (Tone.BAD, "bad", said("Failed")),
}


async def jobs(visit: Visit) -> Reply:
    """Show the page; the rows are asked for afterwards."""
    status = _status(visit)
    values = {
        "title": said("Jobs"),
        "status": status,
        "statuses": STATUS_TEXTS,
        "rows_at": link("parts", "jobs", status=str(status or "")),
    }
    return Page("pages/jobs.html", values)


async def rows(visit: Visit) -> Reply:
    """Read the latest jobs from Dataverse: all, those of a status, or those for a person."""
    person = _person(visit)
    lines = await (await app.services()).latest_rows.jobs(_status(visit), person=person, limit=_MOST)
    shown = []
    for line in lines:
        age = visit.now - _created(line.job.created_on, visit.now)
        late = _lateness(line.job.status, age)
        shown.append((line, *STATUS_TEXTS[line.job.status], late, _meaning(line.code)))
    return Page("parts/jobs.html", {"rows": shown, "person": person}, is_fragment=True)


async def take_up(visit: Visit) -> Reply:
    """Send a queued job to the live lane again: its message may have been lost."""
    try:
        identifier = UUID(visit.parts[0])
    except ValueError:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such job.")) from None
    connector = await app.connector()
    job = (await connector.crm.read_jobs([identifier])).get(identifier)
    if job is None or job.status is not JobStatus.QUEUED:
        raise RefusedError(HTTPStatus.CONFLICT, said("This job does not wait any more."))
    await connector.lanes.send(QueueName.LIVE, Jobs(jobs=[identifier], correlation=str(uuid4())))
    return Redirect(link("jobs"), Notice(Tone.INFO, said("Sent. The job is done within seconds.")))


async def repeat(visit: Visit) -> Reply:
    """Queue a failed job again. Where nobody knows whether it had its effect, only after a look in Spotler."""
    try:
        identifier = UUID(visit.parts[0])
    except ValueError:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such job.")) from None
    line = await (await app.services()).latest_rows.job(identifier)
    if line is None or line.job.status is not JobStatus.FAILED:
        raise RefusedError(HTTPStatus.CONFLICT, _REPEATED)
    if line.code == JobResult.OUTCOME_UNKNOWN and visit.given("looked") != "yes":
        raise RefusedError(
            HTTPStatus.CONFLICT, said("Look in Spotler first: nobody knows whether this job had its effect.")
        )
    try:
        await (await app.connector()).jobs.repeat(line.job, correlation=str(uuid4()))
    except ConflictError:
        raise RefusedError(HTTPStatus.CONFLICT, _REPEATED) from None
    return Redirect(link("jobs"), Notice(Tone.INFO, said("Queued again. The job is done within seconds.")))


def _person(visit: Visit) -> RecordKey | None:
    try:
        return RecordKey.parse(visit.asked("person")) if visit.asked("person") else None
    except ValueError:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such record.")) from None


def _meaning(code: str) -> tuple[str, str]:
    """Return what a result code means, and what to do; empty for a job that went well, and for a code of another."""
    if code in JOB_RESULTS:
        return JOB_RESULTS[code]
    return (text_of(code), cure_of(code).what) if code in set(Reason) else ("", "")


def _status(visit: Visit) -> JobStatus | None:
    wanted = visit.asked("status")
    return JobStatus(wanted) if wanted in set(JobStatus) else None


def _created(text: str, now: datetime) -> datetime:
    moment = datetime.fromisoformat(text) if text else now
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _lateness(status: JobStatus, age: timedelta) -> Tone | None:
    """Return how grave the age of a waiting job is; None if it is not."""
    if status is not JobStatus.QUEUED or age < QUEUED_FOR_HOURS:
        return None
    return Tone.BAD if age > QUEUED_TOO_LONG else Tone.WARN
