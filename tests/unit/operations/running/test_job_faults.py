"""Faults while a Spotler Job runs: what is repeated, what is not, and the text of the row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import RecordKey
from shared.errors import DataError, ThrottledError, TransientError
from shared.messages.lane_messages import Jobs
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin, person
from tests.examples import sample
from tests.twins import CrashError
from tests.twins.jobs import VOUCHER_CODE
from tests.unit.operations.job_acts import COMPLETED, FAILED, end, journal, posts, run


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


@pytest.mark.parametrize(
    "error", [ThrottledError("busy", retry_after=timedelta(seconds=5)), TransientError("never sent")]
)
@pytest.mark.parametrize("operation", [Operation.SET_SCORE, Operation.INCREASE_SCORE])
async def test_an_error_without_effect_puts_the_job_back_to_queued_and_it_is_done_later(
    twin: ConnectorTwin, operation: Operation, error: TransientError
) -> None:
    ann = twin.crm.create(**person())
    twin.tagging.refusals = [error]
    job = twin.crm.order(operation, ann, parameter_name="Lead", parameter_value="3")

    await twin.run_jobs(job)
    assert twin.crm.jobs[job].status is JobStatus.QUEUED
    await twin.quiet()

    assert end(twin, job)[:2] == (COMPLETED, "OK")
    assert twin.contact_of("ann@example.com").scores == {"Lead": 3}
    assert await journal(twin) == []


async def test_job_without_success_fails_in_the_end(twin: ConnectorTwin) -> None:
    twin.tagging.refusals = [TransientError("never sent")] * 20
    job = await run(twin, Operation.ADD_TAG, parameter_name="Lead")

    assert end(twin, job)[:2] == (FAILED, "gave-up")


async def test_refusal_of_spotler_is_reported_and_not_repeated(twin: ConnectorTwin) -> None:
    twin.tagging.refusals = [DataError("Spotler refused", code="CAPABILITY_OFF", detail="Run the connection check.")]
    job = await run(twin, Operation.ADD_TAG, parameter_name="Lead")

    assert end(twin, job)[:2] == (FAILED, "CAPABILITY_OFF")
    assert "Run the connection check." in end(twin, job)[2]
    assert twin.tagging.calls["create_tag"] == 1


async def test_a_refusal_without_a_code_has_a_result_code_all_the_same(twin: ConnectorTwin) -> None:
    twin.tagging.refusals = [DataError("Spotler refused")]
    job = await run(twin, Operation.ADD_TAG, parameter_name="Lead")

    assert end(twin, job)[:2] == (FAILED, "refused-by-spotler")


async def test_start_with_a_lost_answer_is_reported_and_not_repeated(twin: ConnectorTwin) -> None:
    twin.automations.lost_answers = 1
    job = await run(twin, Operation.START_AUTOMATION, twin.crm.create(**person()), parameter_name=VOUCHER_CODE)

    assert end(twin, job)[:2] == (FAILED, "outcome-unknown")
    assert twin.automations.calls["start"] == 1
    assert await journal(twin) == []


@pytest.mark.parametrize("operation", [Operation.INCREASE_SCORE, Operation.ADD_TAG])
async def test_two_messages_for_one_job_do_it_once(twin: ConnectorTwin, operation: Operation) -> None:
    ann = twin.crm.create(**person())
    job = twin.crm.order(operation, ann, parameter_name="Lead", parameter_value="3")

    await twin.run_jobs(job)
    await twin.run_jobs(job)
    await twin.quiet()

    assert twin.contact_of("ann@example.com").scores in ({"Lead": 3}, {"Lead": 0})
    assert len(posts(twin)) == 1


async def test_lost_report_of_a_start_is_repeated_without_another_start(twin: ConnectorTwin) -> None:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    job = twin.crm.order(Operation.START_AUTOMATION, ann, parameter_name=VOUCHER_CODE)
    start = twin.automations.start

    async def start_and_lose_dataverse(*arguments: object) -> object:
        twin.crm.broken["report"] = TransientError("Dataverse is away")
        return await start(*arguments)  # type: ignore[arg-type]

    twin.automations.start = start_and_lose_dataverse  # type: ignore[method-assign,assignment]
    await twin.run_jobs(job)
    assert twin.crm.jobs[job].status is JobStatus.IN_PROGRESS
    twin.crm.broken.clear()
    await twin.quiet()

    assert end(twin, job)[:2] == (COMPLETED, "OK")
    assert twin.crm.job_reports[job].automation_contact_id == "run-1"
    assert twin.automations.calls["start"] == 1
    assert await journal(twin) == []


async def bring(twin: ConnectorTwin, *jobs: UUID) -> None:
    """Put the message of jobs on the lane."""
    await twin.lanes.send(QueueName.LIVE, Jobs(jobs=list(jobs)))


HARMFUL = pytest.mark.parametrize(
    ("operation", "columns"),
    [
        (Operation.START_AUTOMATION, {"parameter_name": VOUCHER_CODE}),
        (Operation.INCREASE_SCORE, {"parameter_name": "Lead", "parameter_value": "3"}),
    ],
)


def times_done(twin: ConnectorTwin, operation: Operation, who: RecordKey) -> float:
    """How often the effect of a job is to be seen on the person."""
    if operation is Operation.START_AUTOMATION:
        return [contact for _, contact in twin.automations.runs.values()].count(str(who.id))
    contact = twin.platform.find(str(who.id))
    return contact.scores.get("Lead", 0) / 3 if contact else 0


@pytest.mark.parametrize("error", [CrashError(), TransientError("a blip")], ids=["crash", "blip"])
@pytest.mark.parametrize("moment", sample(range(40), every=3))
@HARMFUL
async def test_trouble_at_any_moment_starts_and_counts_nothing_twice_and_every_job_ends_with_the_truth(
    operation: Operation, columns: dict[str, str], moment: int, error: BaseException
) -> None:
    twin = ConnectorTwin()
    people = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(3)]
    jobs = [twin.crm.order(operation, who, **columns) for who in people]
    await bring(twin, *jobs)
    twin.faults.plan(moment, error)

    await twin.quiet()

    for job, who in zip(jobs, people, strict=True):
        match end(twin, job):
            case (JobStatus.COMPLETED, "OK", _):
                assert times_done(twin, operation, who) == 1
            case (JobStatus.FAILED, "outcome-unknown", _):
                assert times_done(twin, operation, who) in {0, 1}
            case other:
                raise AssertionError(other)


@pytest.mark.parametrize("error", [CrashError(), TransientError("a blip")], ids=["crash", "blip"])
@pytest.mark.parametrize("operation", [Operation.ADD_TAG, Operation.SET_SCORE])
@pytest.mark.parametrize("moment", sample(range(30), every=3, first=1))
async def test_repeatable_operations_survive_errors_at_any_moment(
    operation: Operation, moment: int, error: BaseException
) -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    job = twin.crm.order(operation, ann, parameter_name="Lead", parameter_value="3")
    await bring(twin, job)
    twin.faults.plan(moment, error)

    await twin.quiet()

    assert end(twin, job)[:2] == (COMPLETED, "OK")
    assert len(posts(twin)) == 1
    assert twin.contact_of("ann@example.com").scores == {"Lead": 3 if operation is Operation.SET_SCORE else 0}
    assert await journal(twin) == []


async def test_a_score_that_was_set_is_not_set_again_over_an_increase_when_its_report_was_lost(
    twin: ConnectorTwin,
) -> None:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    first = twin.crm.order(Operation.SET_SCORE, ann, parameter_name="Lead", parameter_value="100")
    change_score = twin.tagging.change_score

    async def set_and_lose_dataverse(*arguments: object) -> None:
        twin.crm.broken["report"] = TransientError("Dataverse is away")
        await change_score(*arguments)  # type: ignore[arg-type]

    twin.tagging.change_score = set_and_lose_dataverse  # type: ignore[method-assign,assignment]
    await twin.run_jobs(first)
    twin.tagging.change_score = change_score  # type: ignore[method-assign]
    twin.crm.broken.clear()
    assert twin.crm.jobs[first].status is JobStatus.IN_PROGRESS

    second = await run(twin, Operation.INCREASE_SCORE, ann, parameter_name="Lead", parameter_value="3")

    assert twin.contact_of("ann@example.com").scores == {"Lead": 103}
    assert end(twin, first) == (COMPLETED, "OK", 'Score "Lead" set to 100 in Spotler.')
    assert end(twin, second)[:2] == (COMPLETED, "OK")
    assert len(posts(twin)) == 2
    assert await journal(twin) == []


@HARMFUL
async def test_a_job_that_another_worker_has_just_begun_is_left_to_it(
    twin: ConnectorTwin, operation: Operation, columns: dict[str, str]
) -> None:
    ann = twin.crm.create(**person())
    job = twin.crm.order(operation, ann, **columns)
    begun = replace(twin.crm.jobs[job], status=JobStatus.IN_PROGRESS, started_on=twin.clock.now())
    twin.crm.jobs[job] = begun

    await twin.run_jobs(job)

    assert twin.crm.jobs[job] == begun
    assert [one.due for one in twin.queue.waiting] == [twin.clock.now() + twin.claim_time]
    await twin.quiet()  # the other worker died before it sent anything
    assert end(twin, job)[:2] == (COMPLETED, "OK")
    assert times_done(twin, operation, ann) == 1
