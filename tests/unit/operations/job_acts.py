"""Acts with Spotler Jobs over the twins, and their effects."""

from __future__ import annotations

from uuid import UUID

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import RecordKey
from tests.connector_twin import ConnectorTwin

COMPLETED, FAILED = JobStatus.COMPLETED, JobStatus.FAILED


async def run(twin: ConnectorTwin, operation: Operation, who: RecordKey | None = None, **columns: object) -> UUID:
    """Create a job, and let the connector do all it does about it."""
    job = twin.crm.order(operation, who, **columns)
    await twin.run_jobs(job)
    await twin.quiet()
    return job


def end(twin: ConnectorTwin, job: UUID) -> tuple[JobStatus, str, str]:
    report = twin.crm.job_reports[job]
    return twin.crm.jobs[job].status, report.result_code, report.result_text


def posts(twin: ConnectorTwin) -> list[tuple[RecordKey, str]]:
    return [(post.key, post.text) for post in twin.crm.posts.values()]


async def journal(twin: ConnectorTwin) -> list[str]:
    return [key.row for key in twin.store.documents if key.partition == "test-job"]
