"""C-11, C-12, OPT-07, OPT-08: what a person did in Spotler counts at the next save or job, also before any poll."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from shared.adapters.dataverse.records.tables import PERMISSIONS
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from tests.scenario.privacy import MARK
from tests.scenario.refusal_acts import given, opt_out, stays_out, subscribed
from tests.scenario.two_way import nothing_more, open_both_ways, permission_rows, poll, switch
from tests.scenario.world import Contact, Person, World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

A_BATCH = 9
FAILED = (JobStatus.FAILED, "opted-out")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["accept", "refuse"])
async def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """An account that takes what is written to somebody who opted out, and one that refuses it."""
    folder = tmp_path_factory.mktemp("unpolled")
    async with open_both_ways(folder, "--opted-out", request.param, rows=()) as opened:
        yield opened


async def batch(world: World) -> list[Person]:
    """Save a batch of subscribers, and let both sides agree."""
    people = [await world.save() for _ in range(A_BATCH)]
    for person in people:
        await world.permit(person, "Newsletter")
    await world.settled()
    await poll(world)
    return people


async def closed(world: World, people: Sequence[Person]) -> list[Contact]:
    """Let people opt out in Spotler, and return what their contacts are then."""
    for person in people:
        await opt_out(world, person)
    return [await world.in_spotler(person) for person in people]


async def test_opt_07_c_12_nothing_is_written_to_who_opted_out_and_is_saved_before_the_poll(both: World) -> None:
    person = await subscribed(both, "Newsletter")
    (before,) = await closed(both, [person])

    await both.change(person, address1_city=f"{MARK}oord")
    await both.settled()

    await stays_out(both, person)
    assert await both.in_spotler(person) == before  # to the time of its last change
    await nothing_more(both)


async def test_opt_07_c_12_a_sync_contact_job_finds_an_opt_out_before_the_poll(both: World) -> None:
    person = await subscribed(both, "Newsletter")
    (before,) = await closed(both, [person])

    job = await both.ended(await both.ask(Operation.SYNC_CONTACT, person))

    assert (job.status, job.code) == FAILED
    await stays_out(both, person)
    assert await both.in_spotler(person) == before
    await nothing_more(both)


async def test_c_11_a_sync_contact_job_finds_an_unsubscription_before_the_poll(both: World) -> None:
    person = await subscribed(both, "Newsletter", "Offers")
    await switch(both, person, newsletter=False)

    job = await both.ended(await both.ask(Operation.SYNC_CONTACT, person))

    assert job.status is JobStatus.COMPLETED
    assert "already" not in job.text
    await both.settled()
    assert await permission_rows(both, person) == {"Newsletter": False, "Offers": True}
    await given(both, person, "Offers")
    await nothing_more(both)


async def test_c_11_a_save_finds_an_unsubscription_before_the_poll(both: World) -> None:
    person = await subscribed(both, "Newsletter", "Offers")
    await switch(both, person, newsletter=False)

    await both.change(person, address1_city=f"{MARK}oord")
    await both.settled()

    assert await permission_rows(both, person) == {"Newsletter": False, "Offers": True}
    contact = await given(both, person, "Offers")
    assert contact["properties"]["city"] == f"{MARK}oord"
    await nothing_more(both)


async def test_c_11_c_12_of_a_batch_nothing_is_written_to_those_who_left_before_the_poll(both: World) -> None:
    people = await batch(both)
    left, unsubscribed, others = people[::3], people[1::3], people[2::3]
    before = await closed(both, left)
    for person in unsubscribed:
        await switch(both, person, newsletter=False)
    await both.connector.stop()
    for person in people:
        await both.change(person, address1_city=f"{MARK}oord")

    await both.connector.start()
    await both.settled()

    assert [await both.in_spotler(person) for person in left] == before
    for person in left:
        await stays_out(both, person)
    for person, on in [*((one, False) for one in unsubscribed), *((one, True) for one in others)]:
        contact = await both.in_spotler(person)
        assert contact["properties"]["city"] == f"{MARK}oord"
        assert permissions(contact) == ({"Newsletter"} if on else set())
        assert await permission_rows(both, person) == {"Newsletter": on}
        await both.status(person, SyncStatus.SUCCEEDED)
    await nothing_more(both)


async def test_c_11_c_12_jobs_of_a_batch_find_what_people_did_before_the_poll(both: World) -> None:
    people = await batch(both)
    left, unsubscribed, others = people[::3], people[1::3], people[2::3]
    before = await closed(both, left)
    for person in unsubscribed:
        await switch(both, person, newsletter=False)
    await both.connector.stop()
    asked = {person: await both.ask(Operation.SYNC_CONTACT, person) for person in people}

    await both.connector.start()
    jobs = {person: await both.ended(job) for person, job in asked.items()}
    await both.settled()

    assert {(jobs[person].status, jobs[person].code) for person in left} == {FAILED}
    assert [await both.in_spotler(person) for person in left] == before
    for person in left:
        await stays_out(both, person)
    for person in unsubscribed:
        assert (jobs[person].status, "already" in jobs[person].text) == (JobStatus.COMPLETED, False)
        assert await permission_rows(both, person) == {"Newsletter": False}
        await given(both, person)
    assert {jobs[person].status for person in others} == {JobStatus.COMPLETED}
    for person in others:
        await given(both, person, "Newsletter")
    await nothing_more(both)


async def test_opt_07_perm_15_an_import_with_yes_raises_nothing_at_addresses_where_somebody_refused(
    both: World,
) -> None:
    people = await batch(both)
    left, unsubscribed, refusing = people[::3], people[1::3], people[2::3]
    await closed(both, left)
    for person in unsubscribed:
        await switch(both, person, newsletter=False)
    for person in refusing:
        await both.change(person, donotbulkemail=True)
    await both.settled()
    for person in (*left[::2], *refusing):  # some are gone, some are there
        await both.delete(person)
    await both.settled()

    leads = {person: await imported_with_yes(both, person) for person in people}
    body = {"table": "lead", "ids": [lead.id for lead in leads.values()]}
    assert (await both.connector.call("POST", "/api/resync", body)).is_success
    await both.settled()
    await poll(both)

    for person in left:
        await stays_out(both, leads[person])
    for person in unsubscribed:
        await given(both, person)
        assert await permission_rows(both, leads[person]) == {"Newsletter": False}
    for person in refusing:
        await given(both, person)
    for person in (*unsubscribed, *refusing):
        await both.status(leads[person], SyncStatus.SUCCEEDED)
    await nothing_more(both)


async def imported_with_yes(world: World, person: Person) -> Person:
    """Import a lead with the address of somebody and a row that says yes; no message tells of it."""
    lead = await world.bring_in(PersonTable.LEAD, emailaddress1=person.email)
    row = {"dh_name": "Newsletter", "dh_subscribed": True, "dh_LeadId@odata.bind": f"/{lead.path}"}
    await world.dynamics.bring_in(PERMISSIONS, row)
    return lead
