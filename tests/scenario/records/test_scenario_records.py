"""CS, DEL, VAL: what happens to a record in Dynamics, and what Spotler shows of it."""

from __future__ import annotations

import pytest

from shared.domain.records.records import PersonTable, SyncStatus
from tests.scenario.privacy import BIRTHDATE, MARK, TELEPHONE
from tests.scenario.world import Person, World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")

every_table = pytest.mark.parametrize("table", list(PersonTable))


@every_table
async def test_a_new_record_becomes_a_contact_of_its_type(world: World, table: PersonTable) -> None:
    person = await world.save(table)

    contact = await world.in_spotler(person)

    assert contact["externalId"] == person.id
    assert contact["properties"]["customerType"] == table
    assert contact["properties"]["city"] == f"{MARK}dam"
    assert contact["properties"]["phoneNumber"] == TELEPHONE
    status = await world.status(person, SyncStatus.SUCCEEDED, "created")
    assert status.external_id == person.id


async def test_a_contact_arrives_with_every_field_of_the_default_mapping(world: World) -> None:
    contact = await world.in_spotler(await world.save())

    properties = {name: value for name, value in contact["properties"].items() if name != "interests"}
    assert permissions(contact) == set()
    assert properties.pop("permissions")
    assert properties.pop("email").startswith(MARK.lower())
    assert properties == {
        "firstName": f"Voor{MARK}",
        "infix": f"van {MARK}",
        "lastName": f"Achter{MARK}",
        "gender": "F",
        "birthday": BIRTHDATE,
        "jobTitle": f"{MARK} meester",
        "street": f"{MARK}straat 1",
        "address2": f"{MARK}hof, {MARK} etage",
        "postalCode": "7531 QX",
        "city": f"{MARK}dam",
        "country": f"{MARK}land",
        "phoneNumber": TELEPHONE,
        "mobileNumber": "06-98712345",
        "customerType": "contact",
    }


@every_table
async def test_an_edited_record_changes_its_contact_and_makes_no_second_one(world: World, table: PersonTable) -> None:
    person = await world.synchronised(table)
    before = await world.in_spotler(person)

    await world.change(person, address1_city=f"{MARK}hoek")

    after = await world.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}hoek")
    assert after["encryptedId"] == before["encryptedId"]
    await world.status(person, SyncStatus.SUCCEEDED, "updated")


async def test_an_emptied_field_is_emptied_in_spotler(world: World) -> None:
    person = await world.synchronised()

    await world.change(person, jobtitle=None)

    await world.in_spotler(person, lambda contact: "jobTitle" not in contact["properties"])


async def test_a_field_that_dynamics_does_not_fill_is_kept_in_spotler(world: World) -> None:
    person = await world.synchronised()
    theirs = {"profileField1": "likes tea"}
    await world.spotler.post(f"contact/edit?email={person.email}", {"properties": theirs})

    await world.change(person, address1_city=f"{MARK}lo")

    contact = await world.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}lo")
    assert contact["properties"]["profileField1"] == "likes tea"


async def test_a_new_address_stays_with_the_same_contact(world: World) -> None:
    person = await world.synchronised()
    before, moved = await world.in_spotler(person), world.address()

    await world.change(person, emailaddress1=moved)

    assert (await world.in_spotler(moved))["encryptedId"] == before["encryptedId"]
    await world.forgotten(person)


@every_table
async def test_a_deactivated_record_is_anonymised_and_its_status_says_so(world: World, table: PersonTable) -> None:
    person = await world.synchronised(table)

    await world.deactivate(person)

    await world.forgotten(person)
    status = await world.status(person, SyncStatus.SUCCEEDED, "inactive")
    assert status.text == "Anonymised in Spotler. The record is inactive."


@every_table
async def test_a_reactivated_record_comes_back_with_its_permissions(world: World, table: PersonTable) -> None:
    person = await world.save(table)
    await world.permit(person, "Newsletter")
    await world.permit(person, "Offers", subscribed=False)
    await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})
    await world.status(person, SyncStatus.SUCCEEDED)
    await world.deactivate(person)
    await world.forgotten(person)

    await world.activate(person)

    contact = await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})
    assert contact["properties"]["city"] == f"{MARK}dam"
    await world.status(person, SyncStatus.SUCCEEDED, "created")


@every_table
async def test_a_deleted_record_is_anonymised_at_once(world: World, table: PersonTable) -> None:
    person = await world.synchronised(table)
    before = await world.erasures()

    await world.delete(person)

    await world.forgotten(person)
    await world.settled()
    assert await world.erasures() == before + 1


async def test_a_record_that_never_was_in_spotler_is_deleted_without_a_call(world: World) -> None:
    person = await world.save(emailaddress1=None)
    await world.status(person, SyncStatus.FAILED, "no-email")
    before = await world.spotler.requests()

    await world.delete(person)
    await world.settled()

    assert await world.spotler.requests() == before


@every_table
async def test_do_not_email_anonymises_and_keeps_doing_so_until_it_is_unset(world: World, table: PersonTable) -> None:
    person = await world.synchronised(table)

    await world.change(person, donotemail=True)
    await world.forgotten(person)
    await world.status(person, SyncStatus.SUCCEEDED, "do-not-email")
    await world.change(person, address1_city=f"{MARK}wijk")
    await world.settled()
    assert await world.spotler.contact(person.email) is None

    await world.change(person, donotemail=False)
    contact = await world.in_spotler(person)
    assert contact["properties"]["city"] == f"{MARK}wijk"


async def test_a_record_without_an_address_is_not_sent_and_its_status_tells_why(world: World) -> None:
    before = len(await world.spotler.contacts())

    person = await world.save(emailaddress1=None)

    status = await world.status(person, SyncStatus.FAILED, "no-email")
    assert status.text == "Not sent to Spotler. There is no e-mail address."
    assert status.external_id == ""
    assert len(await world.spotler.contacts()) == before


async def test_a_record_that_loses_its_address_is_anonymised(world: World) -> None:
    person = await world.synchronised()

    await world.change(person, emailaddress1=None)

    await world.forgotten(person)
    await world.status(person, SyncStatus.SUCCEEDED, "no-email")


async def test_an_invalid_address_is_marked_failed_and_erases_nobody(world: World) -> None:
    person = await world.synchronised()
    before = await world.in_spotler(person)

    await world.change(person, emailaddress1=f"{MARK} at example")

    status = await world.status(person, SyncStatus.FAILED, "invalid-email")
    assert MARK not in status.text
    assert await world.in_spotler(person) == before


async def test_a_corrected_address_arrives(world: World) -> None:
    person = await world.save(emailaddress1=f"{MARK} at example")
    await world.status(person, SyncStatus.FAILED, "invalid-email")
    correct = world.address()

    await world.change(person, emailaddress1=correct)

    await world.in_spotler(correct)
    await world.status(person, SyncStatus.SUCCEEDED, "created")


async def test_foreign_post_codes_and_phones_go_to_fields_of_their_own(world: World) -> None:
    contact = await world.in_spotler(
        await world.save(address1_postalcode=f"B-9000 {MARK}", mobilephone="+32 470 12 34 56")
    )

    properties = contact["properties"]
    assert properties["foreignPostalCode"] == f"B-9000 {MARK}"
    assert properties["foreignPhoneNumber"] == "+32 470 12 34 56"
    assert not {"postalCode", "mobileNumber"} & properties.keys()


async def test_a_dutch_number_with_spaces_is_brought_into_the_accepted_form(world: World) -> None:
    person = await world.save(mobilephone="06 987 12 345", address1_postalcode="7531qx")

    properties = (await world.in_spotler(person))["properties"]

    assert (properties["mobileNumber"], properties["postalCode"]) == ("0698712345", "7531 QX")


async def test_a_number_that_is_none_is_left_out_and_the_status_names_the_column(world: World) -> None:
    person = await world.save(mobilephone="no number")

    contact = await world.in_spotler(person)

    assert "mobileNumber" not in contact["properties"]
    status = await world.status(person, SyncStatus.SUCCEEDED, "created")
    assert "mobilephone: Spotler's mobileNumber expects a phone number" in status.text


async def test_val_08_a_mobile_number_of_nine_digits_holds_up_nothing_else(world: World) -> None:
    person = await world.synchronised(mobilephone="06-98712345")
    await world.change(person, mobilephone="06-9871234", donotbulkemail=True, address1_city=f"{MARK}stad")

    status = await world.status(person, SyncStatus.SUCCEEDED, "updated")

    assert "mobilephone: Spotler's mobileNumber expects a phone number" in status.text
    contact = await world.in_spotler(person)
    assert contact["properties"]["city"] == f"{MARK}stad"
    assert contact["properties"]["mobileNumber"] == "06-98712345"  # what does not fit leaves what is there
    assert permissions(contact) == set()


@pytest.mark.parametrize(
    "written", ["\u200b{}", "{}\ufeff", "{}\u00a0", "\u00ad{}"], ids=["space", "mark", "blank", "hyphen"]
)
async def test_characters_that_nobody_sees_around_an_address_keep_nobody_out(world: World, written: str) -> None:
    email = world.address()
    person = await world.save(emailaddress1=written.format(email))

    await world.status(person, SyncStatus.SUCCEEDED, "created")
    assert (await world.in_spotler(email))["properties"]["email"] == email


async def test_a_status_that_a_person_disabled_is_left_alone_until_it_is_enabled(world: World) -> None:
    person = await world.synchronised()
    info = (await world.status(person, SyncStatus.SUCCEEDED)).id
    await world.dynamics.set_status(info, SyncStatus.DISABLED)

    await world.change(person, address1_city=f"{MARK}burg")
    await world.settled()

    contact = await world.in_spotler(person)
    assert contact["properties"]["city"] == f"{MARK}dam"
    assert (await world.status(person, SyncStatus.DISABLED)).id == info

    await world.dynamics.set_status(info, SyncStatus.PROCESSING)
    await world.change(person, jobtitle=f"{MARK} leerling")
    await world.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}burg")
    await world.status(person, SyncStatus.SUCCEEDED, "updated")


async def test_a_lead_that_a_person_disabled_becomes_a_contact_that_is_disabled_until_somebody_enables_it(
    world: World,
) -> None:
    lead = await world.synchronised(PersonTable.LEAD)
    await world.dynamics.set_status((await world.status(lead, SyncStatus.SUCCEEDED)).id, SyncStatus.DISABLED)
    await world.change(lead, address1_city=f"{MARK}burg")
    await world.settled()

    contact = Person(PersonTable.CONTACT, await world.dynamics.qualify(lead.id), lead.email)
    await world.settled()

    status = await world.status(contact, SyncStatus.DISABLED, "lead-sync-disabled")
    assert (await world.in_spotler(contact))["properties"]["city"] == f"{MARK}dam"

    await world.dynamics.set_status(status.id, SyncStatus.PROCESSING)
    await world.change(contact, jobtitle=f"{MARK} leerling")
    await world.in_spotler(contact, lambda found: found["properties"]["city"] == f"{MARK}burg")
    await world.status(contact, SyncStatus.SUCCEEDED)


async def test_a_field_that_is_not_mapped_causes_nothing(world: World) -> None:
    person = await world.synchronised()
    await world.settled()
    before = await world.dynamics.requests_of_the_connector()

    await world.change(person, description=f"{MARK} likes tea")
    await world.settled()

    assert await world.dynamics.requests_of_the_connector() == before


async def test_one_save_costs_four_requests_and_no_echo_follows(world: World) -> None:
    person = await world.synchronised()
    await world.settled()
    dataverse, spotler = await world.dynamics.requests_of_the_connector(), await world.spotler.requests()

    await world.change(person, jobtitle=f"{MARK} leerling")
    await world.settled()

    assert await world.dynamics.requests_of_the_connector() == dataverse + 2  # one reads, one reports
    assert await world.spotler.requests() == spotler | {
        "contact.get": spotler["contact.get"] + 1,  # C-11, C-12: it is read before it is written
        "contact.bulk": spotler["contact.bulk"] + 1,
    }


async def test_a_first_save_costs_three_requests_because_nobody_was_there_to_compare_with(world: World) -> None:
    await world.synchronised()
    await world.settled()
    dataverse, spotler = await world.dynamics.requests_of_the_connector(), await world.spotler.requests()

    await world.save()
    await world.settled()

    assert await world.dynamics.requests_of_the_connector() == dataverse + 2
    assert await world.spotler.requests() == spotler | {"contact.bulk": spotler["contact.bulk"] + 1}


async def test_a_first_save_at_an_address_that_spotler_has_costs_three_requests_more(world: World) -> None:
    await world.synchronised()
    await world.settled()
    email = world.address()
    await world.spotler.post("form", {"properties": {"email": email}})
    dataverse, spotler = await world.dynamics.requests_of_the_connector(), await world.spotler.requests()

    await world.save(emailaddress1=email)
    await world.settled()

    assert await world.dynamics.requests_of_the_connector() == dataverse + 3  # it is read once more
    assert await world.spotler.requests() == spotler | {
        "contact.bulk": spotler["contact.bulk"] + 2,  # the insertion finds the contact, then the data are written
        "contact.search": spotler.get("contact.search", 0) + 1,  # PERM-15: both sides are compared
    }
