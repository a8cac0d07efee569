"""PERM, OPT: what people allow, in the subgrid of permissions and by Bulk Email, and what Spotler makes of it."""

from __future__ import annotations

import pytest

from shared.adapters.dataverse.records.tables import PERMISSIONS
from shared.domain.records.records import PersonTable, SyncStatus
from tests.scenario.privacy import MARK
from tests.scenario.world import World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("table", list(PersonTable))
async def test_a_permission_row_switches_the_permission_in_spotler(world: World, table: PersonTable) -> None:
    person = await world.synchronised(table)

    row = await world.permit(person, "Newsletter")
    await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})

    await world.dynamics.change(PERMISSIONS, row, {"dh_subscribed": False})
    await world.in_spotler(person, lambda contact: permissions(contact) == set())


async def test_a_permission_row_of_an_unknown_person_creates_the_contact(world: World) -> None:
    person = await world.bring_in()
    await world.settled()
    assert await world.spotler.contact(person.email) is None

    await world.permit(person, "Offers")

    await world.in_spotler(person, lambda contact: permissions(contact) == {"Offers"})


async def test_of_two_rows_for_one_permission_the_refusal_counts_until_it_is_deleted(world: World) -> None:
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    refusal = await world.permit(person, "Newsletter", subscribed=False)
    await world.permit(person, "Offers")
    await world.in_spotler(person, lambda contact: permissions(contact) == {"Offers"})

    await world.dynamics.delete(PERMISSIONS, refusal)

    await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter", "Offers"})


async def test_a_permission_that_spotler_does_not_have_disturbs_nothing(world: World) -> None:
    person = await world.synchronised()

    await world.permit(person, f"{MARK} by fax")
    await world.permit(person, "Newsletter")

    await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})


async def test_bulk_email_off_switches_every_permission_off_and_the_data_goes_on(world: World) -> None:
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    await world.permit(person, "Offers")
    before = await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter", "Offers"})

    await world.change(person, donotbulkemail=True)
    await world.in_spotler(person, lambda contact: permissions(contact) == set())
    await world.change(person, address1_city=f"{MARK}meer")

    after = await world.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}meer")
    assert permissions(after) == set()
    assert after["encryptedId"] == before["encryptedId"]
    assert "All permissions are off" in (await world.status(person, SyncStatus.SUCCEEDED)).text


async def test_bulk_email_back_to_allow_sends_the_permissions_again(world: World) -> None:
    person = await world.save(donotbulkemail=True)
    await world.permit(person, "Newsletter")
    await world.permit(person, "Offers", subscribed=False)
    await world.in_spotler(person)
    await world.settled()
    assert permissions(await world.in_spotler(person)) == set()

    await world.change(person, donotbulkemail=False)

    await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})


async def test_a_permission_given_in_spotler_survives_an_edit_in_dynamics(world: World) -> None:
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})
    given = {"permissions": [{"bit": 8, "enabled": True}]}
    await world.spotler.post(f"contact/edit?email={person.email}", {"properties": given})

    await world.change(person, address1_city=f"{MARK}oord")

    contact = await world.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}oord")
    assert permissions(contact) == {"Newsletter", "Offers"}


async def test_a_permission_withdrawn_in_spotler_is_not_given_again_by_an_edit_in_dynamics(world: World) -> None:
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})
    withdrawn = {"permissions": [{"bit": 1, "enabled": False}]}
    await world.spotler.post(f"contact/edit?email={person.email}", {"properties": withdrawn})

    await world.change(person, address1_city=f"{MARK}oord")

    contact = await world.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}oord")
    assert permissions(contact) == set()


async def test_an_edit_never_reactivates_a_contact_that_opted_out(world: World) -> None:
    person = await world.synchronised()
    await world.spotler.post(f"contact/opt-out?email={person.email}")
    before = await world.in_spotler(person)

    await world.change(person, address1_city=f"{MARK}oord")

    await world.status(person, SyncStatus.OPT_OUT, "opted-out")
    await world.settled()
    contact = await world.in_spotler(person)
    assert contact["inactivity"] == "OPT_OUT"
    assert contact == before  # OPT-08: nothing was written, to the time of its last change
