"""Actions of people with marketing lists over the twins, and where their effect shows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, RecordKey
from shared.messages.lane_messages import Jobs
from shared.messages.list_messages import ListLook, ListMembers
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person

COMPLETED, FAILED = JobStatus.COMPLETED, JobStatus.FAILED


def people(
    twin: ConnectorTwin, count: int, table: PersonTable = PersonTable.CONTACT, **columns: object
) -> list[RecordKey]:
    start = len(twin.crm.people)
    return [
        twin.crm.create(table, **person(emailaddress1=f"p{start + number}@example.com", **columns))
        for number in range(count)
    ]


async def order(twin: ConnectorTwin, marketing_list: UUID) -> UUID:
    """Press Sync To Spotler: that creates a job, and nothing else (ML-14, ML-23)."""
    job = twin.crm.order(Operation.SYNC_LIST, marketing_list=marketing_list)
    await twin.jobs.run(Jobs(jobs=[job]), lane=QueueName.BULK)
    return job


async def sync(twin: ConnectorTwin, marketing_list: UUID) -> tuple[JobStatus, str, str]:
    return await ended(twin, await order(twin, marketing_list))


async def ended(twin: ConnectorTwin, job: UUID) -> tuple[JobStatus, str, str]:
    await twin.quiet()
    report = twin.crm.job_reports[job]
    return twin.crm.jobs[job].status, report.result_code, report.result_text


async def tell_members(twin: ConnectorTwin, marketing_list: UUID, *who: RecordKey) -> None:
    """Let the events of these memberships arrive."""
    message = ListMembers(list=marketing_list, members=tuple(key.id for key in who))
    await twin.lanes.send(QueueName.LIVE, message)
    await twin.quiet()


async def tell_list(twin: ConnectorTwin, marketing_list: UUID) -> None:
    """Let an event of the list arrive."""
    await twin.lanes.send(QueueName.LIVE, ListLook(list=marketing_list))
    await twin.quiet()


def in_spotler(twin: ConnectorTwin, marketing_list: UUID) -> set[str] | None:
    return twin.audiences.members.get(f"list-{marketing_list}")


def ids(who: Sequence[RecordKey]) -> set[str]:
    return {str(key.id) for key in who}
