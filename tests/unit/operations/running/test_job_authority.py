"""SEC-02: for a job the connector does nothing that cannot be taken back, unless the job's creator could do it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.domain.planning.binding import MassChange
from shared.domain.records.access_rights import AccessRight
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import ConsentOrder, Intent, RecordKey, Reference, Why
from shared.errors import ConfigurationError, TransientError
from shared.ports.queue import QueueName
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person
from tests.unit.engine.guards.brake_acts import LIMIT, crowd, erasures
from tests.unit.operations.job_acts import COMPLETED, FAILED, end, posts, run

INTERN = UUID(int=99)
NOT_ALLOWED = "[NOT_ALLOWED]"
PRIVILEGED = [
    (Operation.ANONYMIZE_CONTACT, AccessRight.DELETE),
    (Operation.PURGE_CONTACT, AccessRight.WRITE),
    (Operation.DEACTIVATE_CONTACT, AccessRight.WRITE),
]


async def somebody(twin: ConnectorTwin) -> RecordKey:
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    return ann


def is_untouched(twin: ConnectorTwin) -> bool:
    contact = twin.contact_of("ann@example.com")
    return contact.values["firstName"] == "Ann" and not contact.is_inactive


# ------------------------------------------------------------------------------------------------------------- rights


@pytest.mark.parametrize(("operation", "right"), PRIVILEGED)
async def test_refusal_names_the_right_that_the_creator_lacks(operation: Operation, right: AccessRight) -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)
    twin.access.lacks[INTERN] = frozenset({right})

    job = await run(twin, operation, ann, creator=INTERN)

    status, code, text = end(twin, job)
    assert (status, code) == (FAILED, NOT_ALLOWED)
    assert f"{operation.label} needs the right {right.label} on the record." in text
    assert is_untouched(twin)
    assert posts(twin) == []


@pytest.mark.parametrize(("operation", "right"), PRIVILEGED)
async def test_no_more_than_that_right_is_needed(operation: Operation, right: AccessRight) -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)
    twin.access.lacks[INTERN] = frozenset(AccessRight) - {right}

    job = await run(twin, operation, ann, creator=INTERN)

    assert end(twin, job)[0] is COMPLETED


@pytest.mark.parametrize("operation", [operation for operation, _ in PRIVILEGED])
async def test_job_without_a_creator_is_refused(operation: Operation) -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)

    job = await run(twin, operation, ann, creator=None)

    assert end(twin, job)[:2] == (FAILED, NOT_ALLOWED)
    assert is_untouched(twin)


async def test_while_rights_cannot_be_asked_the_job_waits() -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)
    twin.access.error = ConfigurationError("prvReadUser is missing")
    job = twin.crm.order(Operation.ANONYMIZE_CONTACT, ann)

    await twin.run_jobs(job)

    assert twin.crm.jobs[job].status is JobStatus.QUEUED
    assert is_untouched(twin)
    twin.access.error = None
    await twin.quiet()
    assert end(twin, job)[:2] == (COMPLETED, "410")


async def test_reversible_operations_need_no_right() -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)
    twin.access.lacks[INTERN] = frozenset(AccessRight)

    job = await run(twin, Operation.SYNC_CONTACT, ann, creator=INTERN)

    assert end(twin, job)[0] is COMPLETED
    assert twin.access.asked == 0


@pytest.mark.parametrize("operation", [operation for operation, _ in PRIVILEGED])
async def test_rights_are_read_in_the_request_that_takes_the_job(operation: Operation) -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)

    await run(twin, operation, ann, creator=INTERN)

    assert twin.access.asked_along == {(INTERN, ann)}


@pytest.mark.parametrize("operation", [operation for operation, _ in PRIVILEGED])
async def test_the_timeline_names_the_creator(operation: Operation) -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)

    await run(twin, operation, ann, creator_name="Jo de Wit")

    assert posts(twin) == [(ann, f"{operation.label} was asked for by Jo de Wit.")]


# ------------------------------------------------------------------------------------------------------------- number


@pytest.mark.parametrize("operation", [operation for operation, _ in PRIVILEGED])
async def test_beyond_the_limit_jobs_fail_until_an_administrator_releases(operation: Operation) -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, LIMIT + 2)
    jobs = [twin.crm.order(operation, one) for one in people]

    await twin.run_jobs(*jobs)
    await twin.quiet()

    ended = [end(twin, job) for job in jobs]
    assert [status for status, _, _ in ended].count(COMPLETED) == LIMIT
    refused = [(code, text) for status, code, text in ended if status is FAILED]
    assert [code for code, _ in refused] == ["mass-erasure"] * 2
    assert all("create the job again after the release" in text for _, text in refused)
    assert (await erasures(twin))["counted"] == LIMIT
    assert (await erasures(twin))["held"] == 0

    await twin.release.begin([MassChange.ERASURE], 1)
    again = [twin.crm.order(operation, one) for one in people]
    await twin.run_jobs(*again)
    await twin.quiet()
    assert [end(twin, job)[0] for job in again] == [COMPLETED] * len(people)


async def test_jobs_and_records_that_end_share_one_count() -> None:
    twin = ConnectorTwin(erasure_limit=LIMIT)
    people = await crowd(twin, LIMIT + 1)
    for one in people[:LIMIT]:
        twin.crm.edit(one, statecode=1)
    await twin.sync(*people[:LIMIT])

    job = await run(twin, Operation.ANONYMIZE_CONTACT, people[-1])

    assert end(twin, job)[:2] == (FAILED, "mass-erasure")
    assert len(twin.platform.erased) == LIMIT


async def test_job_for_a_record_without_contact_is_not_counted() -> None:
    twin = ConnectorTwin(erasure_limit=1)
    strangers = [twin.crm.create(**person(emailaddress1="")) for _ in range(3)]
    jobs = [twin.crm.order(Operation.ANONYMIZE_CONTACT, one) for one in strangers]

    await twin.run_jobs(*jobs)
    await twin.quiet()

    assert (await erasures(twin))["counted"] == 0
    assert "mass-erasure" not in {end(twin, job)[1] for job in jobs}


# ------------------------------------------------------------------------------------------------------- lane messages


async def send(twin: ConnectorTwin, reference: Reference) -> None:
    await twin.lanes.send_references(QueueName.LIVE, [reference])
    await twin.quiet()


@pytest.mark.parametrize("operation", [Operation.SYNC_CONTACT, Operation.PURGE_CONTACT, Operation.ANONYMIZE_CONTACT])
async def test_job_in_progress_whose_record_was_deleted_fails_and_is_not_left(operation: Operation) -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)
    job = twin.crm.order(operation, ann)
    twin.crm.broken["read_people"] = TransientError("Dataverse is down")
    await twin.run_jobs(job)
    assert twin.crm.jobs[job].status is JobStatus.IN_PROGRESS
    twin.crm.delete(ann)  # Dataverse empties the lookup of the job
    twin.crm.jobs[job] = replace(twin.crm.jobs[job], person=None)
    twin.crm.broken.clear()

    await twin.quiet()

    assert end(twin, job)[:2] == (FAILED, "[JOB_NOT_VALID]")


@pytest.mark.parametrize("intent", [Intent.ANONYMIZE, Intent.PURGE])
async def test_message_asking_for_an_erasure_without_a_job_only_synchronises(intent: Intent) -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)
    bob = twin.crm.create(**person(emailaddress1="bob@example.com"))
    twin.access.lacks[INTERN] = frozenset(AccessRight)
    of_another = twin.crm.order(Operation.ANONYMIZE_CONTACT, bob)
    of_another_kind = twin.crm.order(Operation.SYNC_CONTACT, ann)
    of_an_intern = [
        twin.crm.order(kind, ann, creator=INTERN) for kind in (Operation.ANONYMIZE_CONTACT, Operation.PURGE_CONTACT)
    ]

    for job in (None, uuid4(), of_another, of_another_kind, *of_an_intern):
        await send(twin, Reference(ann, Why.JOB, "c-9", intent=intent, job=job))

    assert is_untouched(twin)
    assert twin.crm.job_reports == {}


async def test_an_erasure_that_comes_back_from_a_lane_is_done_for_its_job() -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)
    job = twin.crm.order(Operation.ANONYMIZE_CONTACT, ann)

    await send(twin, Reference(ann, Why.JOB, "c-9", intent=Intent.ANONYMIZE, job=job))

    assert end(twin, job)[:2] == (COMPLETED, "410")


async def test_a_message_cannot_make_the_ledger_name_a_job_that_said_nothing() -> None:
    twin = ConnectorTwin()
    ann = await somebody(twin)
    twin.clock.advance(timedelta(minutes=1))
    twin.crm.permit(ann, Newsletter=True)

    order = ConsentOrder(NEWSLETTER, answer=True, job=uuid4())
    await send(twin, Reference(ann, Why.JOB, "c-9", consent=order))

    newest = (await twin.consent.of_record(ann))[0]
    assert (newest.subject, newest.new, newest.source) == (NEWSLETTER, "yes", "dataverse-row")
