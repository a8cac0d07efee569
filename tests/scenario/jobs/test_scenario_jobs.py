"""JOB, ANON, PURGE: what happens when somebody, or a flow, saves a Spotler Job."""

from __future__ import annotations

import asyncio

import pytest

from shared.adapters.dataverse.records.tables import JOBS, PERMISSIONS
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from tests.scenario.privacy import MARK
from tests.scenario.world import Job, World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("table", list(PersonTable))
async def test_job_03_a_job_for_anybody_synchronises_the_person_and_answers_ok(
    world: World, table: PersonTable
) -> None:
    person = await world.bring_in(table)

    job = await world.ended(await world.ask(Operation.SYNC_CONTACT, person))

    assert (job.status, job.code) == (JobStatus.COMPLETED, "OK")
    assert await world.in_spotler(person)
    await world.status(person, SyncStatus.SUCCEEDED, "created")


async def test_a_job_tells_when_it_began_and_ended(world: World) -> None:
    job = await world.ask(Operation.SYNC_CONTACT, await world.bring_in())
    await world.ended(job)

    row = await world.dynamics.read(f"{JOBS}({job})")

    assert row["createdon"] <= row["dh_startedon"] <= row["dh_completedon"]


async def test_sync_contact_of_a_person_who_cannot_be_sent_fails_with_the_reason(world: World) -> None:
    job = await world.ended(await world.ask(Operation.SYNC_CONTACT, await world.bring_in(emailaddress1=None)))

    assert job == Job(JobStatus.FAILED, "no-email", "Not sent to Spotler. There is no e-mail address.")


async def test_anon_08_to_anon_10_anonymize_contact_answers_410_and_the_second_time_404(world: World) -> None:
    person = await world.synchronised()

    first = await world.ended(await world.ask(Operation.ANONYMIZE_CONTACT, person))
    assert await world.spotler.contact(person.email) is None
    second = await world.ended(await world.ask(Operation.ANONYMIZE_CONTACT, person))

    assert (first.status, first.code) == (JobStatus.COMPLETED, "410")
    assert (second.status, second.code) == (JobStatus.COMPLETED, "404")


async def test_an_anonymised_person_comes_back_with_the_next_change(world: World) -> None:
    person = await world.synchronised()
    await world.ended(await world.ask(Operation.ANONYMIZE_CONTACT, person))

    await world.change(person, address1_city=f"{MARK}kerk")

    contact = await world.in_spotler(person)
    assert contact["properties"]["lastName"] == f"Achter{MARK}"


async def test_anon_12_while_the_cause_holds_the_next_synchronisation_does_not_bring_the_person_back(
    world: World,
) -> None:
    person = await world.synchronised()
    await world.change(person, donotemail=True)
    await world.forgotten(person)

    job = await world.ended(await world.ask(Operation.SYNC_CONTACT, person))

    assert (job.status, job.code) == (JobStatus.FAILED, "do-not-email")
    assert await world.spotler.contact(person.email) is None


async def test_purge_contact_clears_the_contact_and_the_next_change_fills_it(world: World) -> None:
    person = await world.synchronised()

    job = await world.ended(await world.ask(Operation.PURGE_CONTACT, person))

    assert (job.status, job.code) == (JobStatus.COMPLETED, "OK")
    purged = await world.spotler.contact_with_id(person.id)
    assert purged is not None
    assert MARK not in str(purged["properties"])

    await world.change(person, jobtitle=f"{MARK} leerling")
    contact = await world.in_spotler(person)
    assert contact["encryptedId"] == purged["encryptedId"]
    assert contact["properties"]["lastName"] == f"Achter{MARK}"


async def test_purge_03_a_purged_contact_gets_its_permissions_back_with_the_next_change(world: World) -> None:
    person = await world.save()
    row = await world.permit(person, "Newsletter")
    await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})
    await asyncio.sleep(1.5)  # later than what could be the write that made the contact
    await world.settled()
    await world.ended(await world.ask(Operation.PURGE_CONTACT, person))

    await world.change(person, jobtitle=f"{MARK} leerling")
    await world.settled()

    contact = await world.in_spotler(person)
    assert permissions(contact) == {"Newsletter"}
    assert (await world.dynamics.read(f"{PERMISSIONS}({row})"))["dh_subscribed"] is True


async def test_a_job_without_a_person_is_refused_and_says_what_to_fill_in(world: World) -> None:
    job = await world.ended(await world.ask(Operation.SYNC_CONTACT))

    assert (job.status, job.code) == (JobStatus.FAILED, "[JOB_NOT_VALID]")
    assert job.text == "[JOB_NOT_VALID] Sync Contact needs a Customer (account or contact) or a Lead: fill one in."


async def test_a_job_without_an_operation_is_refused(world: World) -> None:
    job = await world.ended(await world.ask(None, await world.synchronised()))

    assert (job.status, job.code) == (JobStatus.FAILED, "[JOB_NOT_VALID]")


async def test_a_job_that_lacks_what_its_operation_needs_is_refused_and_says_so(world: World) -> None:
    job = await world.ended(await world.ask(Operation.START_AUTOMATION, await world.synchronised()))

    assert (job.status, job.code) == (JobStatus.FAILED, "[JOB_NOT_VALID]")
    assert "Start Automation needs an Automation" in job.text


async def test_a_job_of_two_flows_at_once_is_done_for_both_with_one_contact(world: World) -> None:
    person = await world.bring_in()
    before = await world.spotler.requests()

    jobs = await asyncio.gather(*(world.ask(Operation.SYNC_CONTACT, person) for _ in range(2)))
    ended = [await world.ended(job) for job in jobs]

    assert {(job.status, job.code) for job in ended} == {(JobStatus.COMPLETED, "OK")}
    await world.settled()
    assert (await world.spotler.requests())["contact.bulk"] == before["contact.bulk"] + 1


async def test_a_job_whose_message_comes_twice_is_done_once(world: World) -> None:
    person = await world.synchronised()
    before = await world.erasures()
    await world.dynamics.cause("delivery", {"duplicate_rate": 1.0})

    job = await world.ended(await world.ask(Operation.ANONYMIZE_CONTACT, person))

    await world.dynamics.cause("delivery", {})
    await world.settled()
    assert (job.status, job.code) == (JobStatus.COMPLETED, "410")
    assert await world.erasures() == before + 1


async def test_a_deleted_job_is_no_trouble(world: World) -> None:
    person = await world.synchronised()
    await world.connector.stop()
    job = await world.ask(Operation.SYNC_CONTACT, person)
    await world.dynamics.delete(JOBS, job)

    await world.connector.start()
    await world.settled()

    assert await world.queue.dead_letters() == []
