"""Jobs in bulk end within the locks of their messages, however slow Spotler is; the rest is retried at once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from shared.domain.records.jobs import JobStatus, Operation, ScoreChange
from shared.domain.records.records import RecordKey
from shared.messages.lane_messages import Jobs
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person
from tests.unit.operations.job_acts import journal

_JOBS = 60
_WORK, _CALL = timedelta(seconds=60), timedelta(seconds=4)


async def slow_stage(
    operation: Operation, *, call: timedelta = _CALL, **columns: object
) -> tuple[ConnectorTwin, list[RecordKey], list[UUID]]:
    """Each call about a score or a tag takes four seconds; all jobs come in one message."""
    twin = ConnectorTwin(work_time=_WORK)
    keys = [twin.crm.create(**person(emailaddress1=f"{number}@example.com")) for number in range(_JOBS)]
    await twin.sync(*keys)
    jobs = [twin.crm.order(operation, key, **columns) for key in keys]
    change_score, add_tags = twin.tagging.change_score, twin.tagging.add_tags

    async def slow_score(external_id: str, tag: str, change: ScoreChange, value: int) -> None:
        twin.clock.advance(call)
        await change_score(external_id, tag, change, value)

    async def slow_tags(external_id: str, tags: list[str]) -> None:
        twin.clock.advance(call)
        await add_tags(external_id, tags)

    twin.tagging.change_score = slow_score  # type: ignore[assignment, method-assign]
    twin.tagging.add_tags = slow_tags  # type: ignore[assignment, method-assign]
    await twin.lanes.send(QueueName.LIVE, Jobs(jobs=jobs))
    return twin, keys, jobs


async def test_jobs_that_there_is_time_for_are_done_with_one_message() -> None:
    twin, _, jobs = await slow_stage(Operation.ADD_TAG, call=timedelta(milliseconds=10), parameter_name="Lead")

    await twin.receive(twin.queue.due())

    assert {twin.crm.jobs[job].status for job in jobs} == {JobStatus.COMPLETED}
    assert twin.queue.waiting == []


@pytest.mark.parametrize(
    ("operation", "columns"),
    [
        (Operation.INCREASE_SCORE, {"parameter_name": "Lead", "parameter_value": "5"}),
        (Operation.ADD_TAG, {"parameter_name": "Lead"}),
    ],
    ids=["once", "repeatable"],
)
async def test_a_batch_of_jobs_ends_within_its_locks_and_each_is_done_once(
    operation: Operation, columns: dict[str, object]
) -> None:
    twin, keys, jobs = await slow_stage(operation, **columns)
    began = twin.clock.now()

    await twin.receive(twin.queue.due())

    assert twin.clock.now() - began <= _WORK + _CALL
    ended = [job for job in jobs if twin.crm.jobs[job].status is JobStatus.COMPLETED]
    assert 0 < len(ended) < _JOBS
    assert {twin.crm.jobs[job].status for job in jobs if job not in ended} == {JobStatus.QUEUED}
    (waiting,) = twin.queue.waiting
    assert waiting.due - twin.clock.now() <= timedelta(seconds=2)

    await twin.quiet()
    assert {twin.crm.jobs[job].status for job in jobs} == {JobStatus.COMPLETED}
    scores = [twin.contact_of(str(twin.crm.people[key].values["emailaddress1"])).scores["Lead"] for key in keys]
    assert scores == [5 if operation is Operation.INCREASE_SCORE else 0] * _JOBS
    assert await journal(twin) == []


async def test_of_many_jobs_one_is_done_however_late_it_is() -> None:
    twin, _, jobs = await slow_stage(Operation.INCREASE_SCORE, parameter_name="Lead", parameter_value="5")
    twin.worker = twin.start_worker()
    twin.work_time = timedelta()
    late = twin.start_worker()

    await twin.receive(twin.queue.due(), late)

    ended = [job for job in jobs if twin.crm.jobs[job].status is JobStatus.COMPLETED]
    assert len(ended) == 1
