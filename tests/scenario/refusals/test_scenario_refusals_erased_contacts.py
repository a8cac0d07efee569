"""DEL-08, ANON-11: a contact that was erased in Spotler itself comes back whole, and nobody takes it for a refusal."""

from __future__ import annotations

import pytest

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from tests.examples import thinned
from tests.scenario.privacy import MARK
from tests.scenario.refusal_acts import erase_contact_of, given, opt_out, resync, stays_out, subscribed
from tests.scenario.two_way import nothing_more, permission_rows, poll
from tests.scenario.world import Contact, Person, World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

A_BATCH = 30


async def subscriber(world: World, table: PersonTable = PersonTable.CONTACT) -> Person:
    """Save somebody with a yes and a no."""
    person = await world.save(table)
    await world.permit(person, "Newsletter")
    await world.permit(person, "Offers", subscribed=False)
    await world.settled()
    await poll(world)
    return person


async def is_whole_again(world: World, person: Person, before: Contact) -> None:
    """Spotler has a new contact with everything; Dataverse still has the same answers, also after the next polls."""
    after = await given(world, person, "Newsletter")
    assert after["properties"] == before["properties"]
    assert (after["externalId"], after["inactivity"]) == (before["externalId"], None)
    assert after["encryptedId"] != before["encryptedId"]
    await poll(world)
    assert await permission_rows(world, person) == {"Newsletter": True, "Offers": False}
    assert permissions(await world.in_spotler(person)) == {"Newsletter"}
    await world.status(person, SyncStatus.SUCCEEDED)
    await nothing_more(world)


@pytest.mark.parametrize("table", thinned(list(PersonTable)))
async def test_del_08_the_next_save_makes_an_erased_contact_anew_in_full(both: World, table: PersonTable) -> None:
    person = await subscriber(both, table)
    before = await erase_contact_of(both, person)

    await both.change(person, address1_city=f"{MARK}oord")
    await both.settled()

    before["properties"]["city"] = f"{MARK}oord"
    await is_whole_again(both, person, before)


async def test_anon_11_a_sync_contact_job_makes_an_erased_contact_anew_in_full(both: World) -> None:
    person = await subscriber(both)
    before = await erase_contact_of(both, person)

    job = await both.ended(await both.ask(Operation.SYNC_CONTACT, person))

    assert job.status is JobStatus.COMPLETED
    assert "already" not in job.text
    await is_whole_again(both, person, before)


async def test_anon_11_a_resync_makes_an_erased_contact_anew_in_full(both: World) -> None:
    person = await subscriber(both)
    before = await erase_contact_of(both, person)

    await resync(both, person)

    await is_whole_again(both, person, before)


async def test_an_explanation_tells_that_an_erased_contact_would_be_made_anew_and_makes_nothing(both: World) -> None:
    person = await subscriber(both)
    before = await erase_contact_of(both, person)

    path = f"/api/explain/contact/{person.id}/values"
    plan = (await both.connector.call("GET", path, key=both.connector.master)).json()["plan"]

    assert (plan["action"], plan["reason"]) == ("write", "created")
    options = {one["bit"]: one["enabled"] for one in plan["properties"]["permissions"]}
    assert {bit for bit, enabled in options.items() if enabled} == {1}
    texts = {name for name, value in before["properties"].items() if not isinstance(value, list)}
    assert set(plan["properties"]) == {*texts, "permissions"}
    assert "comesHome" not in plan
    assert await both.spotler.contact(person.email) is None
    await resync(both, person)
    await is_whole_again(both, person, before)


async def test_c_05_the_nightly_comparison_makes_an_erased_contact_anew_in_full(both: World) -> None:
    person = await subscriber(both)
    before = await erase_contact_of(both, person)

    await both.connector.restart(RECONCILE_SCHEDULE="*/2 * * * * *")
    await given(both, person, "Newsletter")
    await both.connector.restart()  # nothing settles while comparisons follow each other at once
    await both.settled()

    await is_whole_again(both, person, before)


async def test_a_poll_takes_an_erased_contact_for_no_refusal(both: World) -> None:
    person = await subscriber(both)
    await erase_contact_of(both, person)

    await poll(both)
    await poll(both)

    assert await permission_rows(both, person) == {"Newsletter": True, "Offers": False}


async def test_of_a_batch_whose_contacts_were_erased_every_one_is_made_anew_in_full(both: World) -> None:
    people = [await both.save() for _ in range(A_BATCH)]
    for person in people:
        await both.permit(person, "Newsletter")
        await both.permit(person, "Offers", subscribed=False)
    await both.settled()
    await poll(both)
    before = [await erase_contact_of(both, person) for person in people]
    await both.connector.stop()
    for person in people:
        await both.change(person, address1_city=f"{MARK}oord")

    await both.connector.start()
    await both.settled()

    for person, contact in zip(people, before, strict=True):
        contact["properties"]["city"] = f"{MARK}oord"
        after = await given(both, person, "Newsletter")
        assert (after["properties"], after["externalId"]) == (contact["properties"], contact["externalId"])
    await poll(both)
    rows = [await permission_rows(both, person) for person in people]
    assert rows == [{"Newsletter": True, "Offers": False}] * A_BATCH
    await nothing_more(both)


async def test_opt_02_what_one_record_withdraws_is_off_when_another_makes_the_erased_contact_anew(both: World) -> None:
    """The record that withdraws is disabled, and both records have one address."""
    person = await subscribed(both, "Newsletter")
    second = await subscribed(both, "Newsletter", emailaddress1=person.email)
    info = (await both.status(second, SyncStatus.SUCCEEDED)).id
    await both.dynamics.set_status(info, SyncStatus.DISABLED)
    await both.settled()
    await erase_contact_of(both, person)

    await both.permit(second, "Newsletter", subscribed=False)
    await both.settled()
    await both.change(person, address1_city=f"{MARK}oord")
    await both.settled()

    await given(both, person)


async def test_opt_08_an_opt_out_outlives_the_erasure_of_its_contact(both: World) -> None:
    person = await subscribed(both, "Newsletter")
    await opt_out(both, person)
    await poll(both)
    await erase_contact_of(both, person)

    await both.change(person, donotbulkemail=True, address1_city=f"{MARK}oord")
    await resync(both, person)
    job = await both.ended(await both.ask(Operation.SYNC_CONTACT, person))
    await poll(both)

    assert (job.status, job.code) == (JobStatus.FAILED, "opted-out")
    await stays_out(both, person)
    assert await both.spotler.contact(person.email) is None
    await nothing_more(both)
