"""DUP, merge and qualification: several records of one person are one contact, and the last of them decides its end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from tests.scenario.privacy import MARK
from tests.scenario.two_way import BOTH, HOME, edit, explained, nothing_more, open_both_ways, poll, stored
from tests.scenario.world import Person, World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def two_with_one_address(world: World) -> tuple[Person, Person]:
    """Save two records with the same address, one after the other."""
    first = await world.synchronised()
    second = await world.save(PersonTable.LEAD, emailaddress1=first.email)
    await world.status(second, SyncStatus.SUCCEEDED)
    return first, second


async def test_two_records_with_one_address_are_one_contact(world: World) -> None:
    first, second = await two_with_one_address(world)

    contacts = [one for one in await world.spotler.contacts() if one["properties"].get("email") == first.email]

    assert len(contacts) == 1
    statuses = [await world.status(person, SyncStatus.SUCCEEDED) for person in (first, second)]
    assert {status.external_id for status in statuses} == {contacts[0]["externalId"]}


async def test_records_saved_at_once_with_one_address_are_one_contact(world: World) -> None:
    email = world.address()
    people = [await world.save(table, emailaddress1=email) for table in PersonTable for _ in range(3)]

    statuses = [await world.status(person, SyncStatus.SUCCEEDED) for person in people]

    await world.settled()
    assert len([one for one in await world.spotler.contacts() if one["properties"].get("email") == email]) == 1
    assert len({status.external_id for status in statuses}) == 1


@pytest.mark.parametrize("leaves", [0, 1])
async def test_the_contact_is_kept_while_one_record_needs_it(world: World, leaves: int) -> None:
    people = await two_with_one_address(world)
    before = await world.in_spotler(people[0])

    await world.delete(people[leaves])
    await world.settled()

    after = await world.in_spotler(people[0])
    assert after["encryptedId"] == before["encryptedId"]
    assert after["properties"]["city"] == f"{MARK}dam"


async def test_the_contact_goes_with_the_last_record(world: World) -> None:
    first, second = await two_with_one_address(world)

    await world.delete(first)
    await world.deactivate(second)

    await world.forgotten(first)


async def test_one_refusal_of_bulk_mail_counts_for_all_records_of_a_contact(world: World) -> None:
    first, second = await two_with_one_address(world)
    await world.permit(first, "Newsletter")
    await world.in_spotler(first, lambda contact: permissions(contact) == {"Newsletter"})

    await world.change(second, donotbulkemail=True)

    await world.in_spotler(first, lambda contact: permissions(contact) == set())


async def test_a_job_does_not_erase_a_contact_that_another_record_needs(world: World) -> None:
    first, second = await two_with_one_address(world)

    job = await world.ended(await world.ask(Operation.ANONYMIZE_CONTACT, second))

    assert (job.status, job.code) == (JobStatus.FAILED, "still-used")
    assert await world.in_spotler(first)


async def test_a_record_that_was_never_bound_is_found_before_its_contact_is_erased(world: World) -> None:
    person = await world.synchronised()
    await world.bring_in(emailaddress1=person.email)
    await asyncio.sleep(1)  # Dataverse tells whole seconds
    await world.change(person, address1_city=f"{MARK}oord")  # both are there
    before = await world.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}oord")
    await world.status(person, SyncStatus.SUCCEEDED)
    await world.settled()

    await world.delete(person)
    await world.settled()

    assert (await world.in_spotler(person))["encryptedId"] == before["encryptedId"]


async def test_del_04_a_person_entered_again_after_a_deletion_gets_a_contact_of_their_own(world: World) -> None:
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    before = await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})
    await world.settled()
    await world.connector.stop()
    await asyncio.sleep(1)  # Dataverse tells whole seconds
    await world.save(emailaddress1=person.email)
    await world.delete(person)

    await world.connector.start()
    await world.settled()

    after = await world.in_spotler(person)
    assert after["encryptedId"] != before["encryptedId"]
    assert permissions(after) == set()


async def test_an_address_that_changes_hands_leaves_one_contact_for_its_new_owner(world: World) -> None:
    first, second = await world.synchronised(), await world.synchronised(firstname=f"Ander{MARK}")

    await world.change(first, emailaddress1=world.address())
    await world.change(second, emailaddress1=first.email)
    await world.settled()

    contact = await world.in_spotler(first.email)
    assert contact["properties"]["firstName"] == f"Ander{MARK}"
    await world.forgotten(second)


async def test_merging_erases_the_loser_and_keeps_the_winner(world: World) -> None:
    winner, loser = await world.synchronised(), await world.synchronised()
    before = await world.in_spotler(winner)

    await world.dynamics.merge(PersonTable.CONTACT, target=winner.id, subordinate=loser.id)

    await world.forgotten(loser)
    await world.status(loser, SyncStatus.SUCCEEDED, "merged")
    await world.settled()
    assert (await world.in_spotler(winner))["encryptedId"] == before["encryptedId"]


async def test_merging_two_records_of_one_address_keeps_their_contact(world: World) -> None:
    winner = await world.synchronised()
    loser = await world.synchronised(emailaddress1=winner.email)
    await world.settled()
    await world.permit(loser, "Offers")
    before = await world.in_spotler(winner, lambda contact: permissions(contact) == {"Offers"})
    await world.status(loser, SyncStatus.SUCCEEDED)

    await world.dynamics.merge(PersonTable.CONTACT, target=winner.id, subordinate=loser.id)
    await world.status(loser, SyncStatus.SUCCEEDED, "still-used")
    await world.settled()

    after = await world.in_spotler(winner)
    assert (after["encryptedId"], permissions(after)) == (before["encryptedId"], {"Offers"})


async def test_merging_may_take_over_the_address_of_the_loser(world: World) -> None:
    winner, loser = await world.synchronised(firstname=f"Winnaar{MARK}"), await world.synchronised()
    taken = {"emailaddress1": loser.email}

    await world.dynamics.merge(PersonTable.CONTACT, target=winner.id, subordinate=loser.id, taken_over=taken)
    await world.settled()

    contact = await world.in_spotler(loser.email)
    assert contact["properties"]["firstName"] == f"Winnaar{MARK}"
    await world.forgotten(winner)


async def test_a_qualified_lead_becomes_a_contact_of_another_type_and_no_second_one(world: World) -> None:
    lead = await world.synchronised(PersonTable.LEAD)
    before = await world.in_spotler(lead)
    assert before["properties"]["customerType"] == "lead"

    await world.dynamics.qualify(lead.id)

    after = await world.in_spotler(lead, lambda contact: contact["properties"]["customerType"] == "contact")
    await world.settled()
    assert after["encryptedId"] == before["encryptedId"]
    assert [
        one["encryptedId"] for one in await world.spotler.contacts() if one["properties"].get("email") == lead.email
    ] == [after["encryptedId"]]


async def test_the_contact_of_a_qualified_lead_lives_and_ends_with_the_new_record(world: World) -> None:
    lead = await world.synchronised(PersonTable.LEAD)
    contact = Person(PersonTable.CONTACT, await world.dynamics.qualify(lead.id), lead.email)
    await world.in_spotler(lead, lambda one: one["properties"]["customerType"] == "contact")
    await world.status(contact, SyncStatus.SUCCEEDED)

    await world.change(contact, address1_city=f"{MARK}veen")
    await world.in_spotler(lead, lambda one: one["properties"]["city"] == f"{MARK}veen")
    await world.delete(contact)

    await world.forgotten(lead)


async def test_a_lead_that_refuses_mail_is_qualified_into_a_contact_that_is_not_sent(world: World) -> None:
    lead = await world.save(PersonTable.LEAD, donotemail=True)
    await world.status(lead, SyncStatus.SUCCEEDED, "do-not-email")

    contact = Person(PersonTable.CONTACT, await world.dynamics.qualify(lead.id), lead.email)

    await world.status(contact, SyncStatus.SUCCEEDED, "do-not-email")
    assert await world.spotler.contact(lead.email) is None


async def test_values_come_home_to_the_record_that_was_first_and_the_other_is_told(tmp_path: Path) -> None:
    rows = (
        {"spotler": "firstName", **dict.fromkeys(PersonTable, "firstname"), "direction": BOTH, "conflict": "spotler"},
        {"spotler": "profileField2", "contact": "address3_city", "direction": HOME},
    )
    async with open_both_ways(tmp_path, rows=rows) as world:
        first = await world.synchronised(firstname=f"Anna{MARK}")
        second = await world.save(emailaddress1=first.email, firstname=f"Bernard{MARK}")
        await world.settled()

        await nothing_more(world)
        assert await names(world, first, second) == [f"Anna{MARK}", f"Bernard{MARK}"]
        await edit(world, first, firstName=f"Annelies{MARK}", profileField2=f"{MARK}dorp")
        await poll(world)
        assert await names(world, first, second) == [f"Annelies{MARK}", f"Bernard{MARK}"]
        assert [await stored(world, one, "address3_city") for one in (first, second)] == [f"{MARK}dorp", None]

        told = await world.status(second, SyncStatus.SUCCEEDED)
        assert f"Shares its e-mail address with contact:{first.id}." in told.text
        group = {"records": sorted(f"contact:{one.id}" for one in (first, second)), "primary": f"contact:{first.id}"}
        assert (await explained(world, second))["duplicates"] == group
        await nothing_more(world)

        await world.delete(first)
        await world.in_spotler(first, lambda contact: contact["properties"]["firstName"] == f"Bernard{MARK}")
        await nothing_more(world)
        assert await stored(world, second, "firstname") == f"Bernard{MARK}"
        assert "Shares" not in (await world.status(second, SyncStatus.SUCCEEDED)).text


async def names(world: World, *people: Person) -> list[Any]:
    """Read first names as Dynamics shows them."""
    return [await stored(world, person, "firstname") for person in people]
