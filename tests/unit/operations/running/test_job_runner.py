"""The life of a job about a person: Queued, In Progress, then Completed or Failed with a result (JOB-25, TRB-01)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ThrottledError, TransientError
from tests.connector_twin import ConnectorTwin, person
from tests.twins import CrashError

SYNC, ANONYMIZE, PURGE = Operation.SYNC_CONTACT, Operation.ANONYMIZE_CONTACT, Operation.PURGE_CONTACT


def result_of(twin: ConnectorTwin, job: UUID) -> tuple[str, str]:
    """A job's status and result code."""
    return twin.crm.jobs[job].status, twin.crm.job_reports[job].result_code


async def run(twin: ConnectorTwin, operation: Operation | None, key: RecordKey | None) -> tuple[str, str]:
    job = twin.crm.order(operation, key)
    await twin.run_jobs(job)
    await twin.quiet()
    return result_of(twin, job)


@pytest.mark.parametrize("table", PersonTable)
async def test_a_sync_contact_job_makes_spotler_agree_with_the_record(table: PersonTable) -> None:  # JOB-13
    twin = ConnectorTwin()
    ann = twin.crm.create(table, **person())
    assert await run(twin, SYNC, ann) == ("Completed", "OK")
    assert twin.contact_of("ann@example.com").values["customerType"] == table


async def test_job_is_in_progress_while_it_runs_and_has_start_and_end() -> None:
    twin = ConnectorTwin()
    job = twin.crm.order(SYNC, twin.crm.create(**person()))
    seen: list[str] = []
    twin.platform.before_write = lambda: seen.append(twin.crm.jobs[job].status)

    await twin.run_jobs(job)

    assert seen == ["In Progress"]
    assert twin.crm.job_reports[job].completed_on == twin.clock.now()


async def test_an_anonymise_contact_job_answers_410_and_the_second_time_404() -> None:  # ANON-09, ANON-10
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    assert await run(twin, ANONYMIZE, ann) == ("Completed", "410")
    assert twin.platform.contacts == []
    assert await run(twin, ANONYMIZE, ann) == ("Completed", "404")


async def test_a_purge_contact_job_clears_the_contact() -> None:  # JOB-14
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    assert await run(twin, PURGE, ann) == ("Completed", "OK")
    assert twin.platform.contacts[0].values == {}


async def test_purge_of_a_record_without_contact_succeeds_at_once() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    assert await run(twin, PURGE, ann) == ("Completed", "OK")
    assert twin.platform.calls["upsert"] == 0


@pytest.mark.parametrize("operation", [SYNC, ANONYMIZE, PURGE])
async def test_a_job_without_a_person_is_refused_with_what_to_fill_in(operation: Operation) -> None:  # JOB-26
    twin = ConnectorTwin()
    job = twin.crm.order(operation, None)

    await twin.run_jobs(job)

    assert result_of(twin, job) == ("Failed", "[JOB_NOT_VALID]")
    assert "Lead" in twin.crm.job_reports[job].result_text


async def test_a_job_without_an_operation_is_refused() -> None:  # JOB-06
    twin = ConnectorTwin()
    assert await run(twin, None, twin.crm.create(**person())) == ("Failed", "[JOB_NOT_VALID]")


@pytest.mark.parametrize("operation", [ANONYMIZE, PURGE])
async def test_a_job_cannot_erase_a_contact_that_another_record_uses(operation: Operation) -> None:
    twin = ConnectorTwin()
    ann, lead = twin.crm.create(**person()), twin.crm.create(PersonTable.LEAD, **person())
    await twin.sync(ann, lead)
    assert await run(twin, operation, ann) == ("Failed", "still-used")
    assert twin.contact_of("ann@example.com").values["firstName"] == "Ann"


async def test_a_job_for_a_record_that_may_not_be_in_spotler_fails_with_the_reason() -> None:
    twin = ConnectorTwin()
    assert await run(twin, SYNC, twin.crm.create(**person(emailaddress1="ann@"))) == ("Failed", "invalid-email")


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
async def test_a_job_that_has_ended_is_not_run_again(status: JobStatus) -> None:
    twin = ConnectorTwin()
    job = twin.crm.order(SYNC, twin.crm.create(**person()))
    twin.crm.jobs[job] = replace(twin.crm.jobs[job], status=status)

    await twin.run_jobs(job)

    assert twin.platform.calls["upsert"] == 0
    assert job not in twin.crm.job_reports


async def test_a_job_that_was_deleted_needs_nothing() -> None:
    twin = ConnectorTwin()
    await twin.run_jobs(uuid4())
    assert twin.queue.waiting == []


async def test_a_job_whose_worker_died_is_finished_by_the_next_one() -> None:
    for moment in range(40):
        twin = ConnectorTwin()
        job = twin.crm.order(ANONYMIZE, ann := twin.crm.create(**person()))
        twin.faults.plan(moment, CrashError())
        try:
            await twin.run_jobs(job)
        except CrashError:
            twin.clock.advance(twin.claim_time)
            await twin.run_jobs(job)
        await twin.quiet()
        assert twin.crm.jobs[job].status == "Completed", f"moment {moment}"
        assert twin.platform.having("ann@example.com") == [], f"{ann} at moment {moment}"
        if twin.faults.planned:
            return
    raise AssertionError("a job has more moments than were tried")


async def test_a_job_that_two_workers_read_at_once_is_taken_by_one() -> None:
    twin = ConnectorTwin()
    job = twin.crm.order(SYNC, twin.crm.create(**person()))
    twin.faults.interleaves = True

    await asyncio.gather(twin.run_jobs(job), twin.run_jobs(job))
    assert len(twin.platform.writes) == 1

    await twin.quiet()
    assert result_of(twin, job) == ("Completed", "OK")
    assert len(twin.platform.writes) == 1


async def test_a_job_waits_in_progress_while_spotler_limits_requests_and_then_completes() -> None:
    twin = ConnectorTwin()
    job = twin.crm.order(SYNC, twin.crm.create(**person()))
    twin.platform.broken["insert"] = ThrottledError("slow down", retry_after=twin.claim_time)
    await twin.run_jobs(job)
    assert twin.crm.jobs[job].status in {"Queued", "In Progress"}
    twin.platform.broken.clear()

    await twin.quiet()

    assert result_of(twin, job) == ("Completed", "OK")


async def test_a_job_that_never_gets_through_fails_and_can_be_found_among_the_dead() -> None:
    twin = ConnectorTwin()
    job = twin.crm.order(SYNC, twin.crm.create(**person()))
    twin.platform.broken["insert"] = TransientError("down")

    await twin.run_jobs(job)
    await twin.quiet()

    assert twin.crm.jobs[job].status == "Failed"


async def test_two_jobs_for_one_person_end_both() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    jobs = [twin.crm.order(SYNC, ann), twin.crm.order(SYNC, ann)]

    await twin.run_jobs(*jobs)
    await twin.quiet()

    assert [result_of(twin, job) for job in jobs] == [("Completed", "OK")] * 2
    assert len(twin.platform.writes) == 1


async def test_many_jobs_cost_few_requests() -> None:
    twin = ConnectorTwin()
    jobs = [twin.crm.order(SYNC, twin.crm.create(emailaddress1=f"p{number}@example.com")) for number in range(250)]

    await twin.run_jobs(*jobs)

    assert twin.crm.calls["read_jobs"] == 1
    assert twin.crm.calls["report"] <= 3
    assert twin.platform.calls["insert"] == 3
    assert {result_of(twin, job) for job in jobs} == {("Completed", "OK")}


@pytest.mark.parametrize("people", [1, 12])
async def test_a_job_sets_back_what_was_changed_in_spotler_in_fields_that_only_dataverse_fills(people: int) -> None:
    """C-11: *Spotler has the same data already* is the text if that is so."""
    twin = ConnectorTwin()
    keys = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(people)]
    await twin.sync(*keys)
    await twin.poll()
    for contact in twin.platform.contacts:
        twin.platform.edit(contact, firstName="Somebody else")
    await twin.poll()

    await twin.run_jobs(*(twin.crm.order(SYNC, key) for key in keys))
    await twin.quiet()

    assert {contact.values["firstName"] for contact in twin.platform.contacts} == {"Ann"}
    assert {twin.status_of(key)[1] for key in keys} == {"updated"}
