"""PERM, C-11, C-39, IF-02: a permission is ticked on either side, and both sides say the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.adapters.dataverse.records.tables import PERMISSIONS
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable
from tests.scenario.privacy import MARK
from tests.scenario.two_way import BOTH, edit, nothing_more, open_both_ways, permission_rows, poll, switch
from tests.scenario.world import Person, World, eventually, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

NONE: set[str] = set()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The default mapping, and what an installation of Engage 365 adds: periodieken, and lists of one's own."""
    periodiek = {"table": "new_periodiek", "name": "new_name", "subscribed": "new_subscribed"}
    rows = (
        {"spotler": "magazines", "contact": "@map(periodiek)", "direction": BOTH},
        {"spotler": "interests", "contact": "@map(list)", "direction": BOTH},
    )
    mapping = {"periodiek": {**periodiek, "contact": "new_contactid"}}
    async with open_both_ways(tmp_path_factory.mktemp("permissions"), rows=rows, mapping=mapping) as opened:
        yield opened


async def given(world: World, person: Person, *names: str) -> None:
    """Wait until exactly these permissions are on in Spotler."""
    await world.in_spotler(person, lambda contact: permissions(contact) == set(names))


async def test_perm_01_contacts_without_a_permission_can_be_left_out_of_a_mailing(both: World) -> None:
    subscribed, other = await both.synchronised(), await both.synchronised()
    await both.permit(subscribed, "Newsletter")
    await given(both, subscribed, "Newsletter")

    assert permissions(await both.in_spotler(other)) == NONE  # the option that a selection of Spotler looks at is off


@pytest.mark.parametrize("table", list(PersonTable))
async def test_perm_02_one_row_per_person_and_permission_with_a_column_subscribed(
    both: World, table: PersonTable
) -> None:
    person = await both.synchronised(table)
    await switch(both, person, newsletter=True, offers=True)

    await poll(both)

    assert await permission_rows(both, person) == {"Newsletter": True, "Offers": True}
    await nothing_more(both)


async def test_perm_03_perm_04_a_click_on_subscribed_is_in_spotler_at_once_without_a_poll(both: World) -> None:
    person = await both.synchronised()
    row = await both.permit(person, "Newsletter", subscribed=False)

    await both.dynamics.change(PERMISSIONS, row, {"dh_subscribed": True})
    await given(both, person, "Newsletter")

    await both.dynamics.change(PERMISSIONS, row, {"dh_subscribed": False})
    await given(both, person)
    await nothing_more(both)


async def test_perm_05_c_39_a_permission_of_somebody_who_was_never_synchronised_creates_the_contact(
    both: World,
) -> None:
    person = await both.bring_in()

    await both.permit(person, "Newsletter")

    await given(both, person, "Newsletter")


async def test_perm_06_s2d_05_s2d_07_c_11_a_permission_changed_in_spotler_is_in_dynamics_after_the_next_poll(
    both: World,
) -> None:
    person = await both.synchronised()
    await both.permit(person, "Newsletter")
    await both.permit(person, "Offers", subscribed=False)
    await given(both, person, "Newsletter")
    await switch(both, person, newsletter=False, offers=True)

    polled = await poll(both)

    assert polled["contacts"]["changed"] == 1
    assert await permission_rows(both, person) == {"Newsletter": False, "Offers": True}
    await nothing_more(both)


async def test_c_11_a_save_does_not_undo_a_withdrawal_that_no_poll_has_seen_yet(both: World) -> None:
    person = await both.synchronised()
    await both.permit(person, "Newsletter")
    await given(both, person, "Newsletter")
    await switch(both, person, newsletter=False)

    await both.change(person, address1_city=f"{MARK}oord")
    await both.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}oord")
    await poll(both)

    assert permissions(await both.in_spotler(person)) == NONE
    assert await permission_rows(both, person) == {"Newsletter": False}
    await nothing_more(both)


async def test_perm_08_perm_10_an_unsubscription_stands_while_bulk_mail_is_refused_and_afterwards(both: World) -> None:
    person = await both.synchronised()
    for name in ("Newsletter", "Offers"):
        await both.permit(person, name)
    await given(both, person, "Newsletter", "Offers")
    await switch(both, person, newsletter=False)
    await poll(both)

    await both.change(person, donotbulkemail=True)
    await given(both, person)
    await nothing_more(both)
    await both.change(person, donotbulkemail=False)  # PERM-24

    await given(both, person, "Offers")
    assert await permission_rows(both, person) == {"Newsletter": False, "Offers": True}
    await nothing_more(both)


async def test_perm_09_do_not_email_anonymises_and_the_permission_rows_stay(both: World) -> None:
    person = await both.synchronised()
    await both.permit(person, "Newsletter")
    await given(both, person, "Newsletter")

    await both.change(person, donotemail=True)

    await both.forgotten(person)
    await nothing_more(both)
    assert await permission_rows(both, person) == {"Newsletter": True}


async def test_perm_14_existing_records_get_rows_when_they_are_synchronised_and_not_before(both: World) -> None:
    person = await both.bring_in()
    await nothing_more(both)
    assert await permission_rows(both, person) == {}
    assert await both.spotler.contact(person.email) is None


async def test_perm_17_perm_18_perm_19_a_row_that_an_administrator_makes_opts_somebody_in(both: World) -> None:
    person = await both.bring_in(PersonTable.LEAD)
    row = {"dh_name": "newsletter ", "dh_subscribed": True, "dh_LeadId@odata.bind": f"/{person.path}"}
    await both.dynamics.bring_in(PERMISSIONS, row)  # in bulk, by an import: no message comes

    job = await both.ended(await both.ask(Operation.SYNC_CONTACT, person))

    assert job.status is JobStatus.COMPLETED
    await given(both, person, "Newsletter")
    await nothing_more(both)


async def test_a_row_that_was_deleted_takes_the_permission_along_and_does_not_come_back(both: World) -> None:
    person = await both.synchronised()
    row = await both.permit(person, "Newsletter")
    await given(both, person, "Newsletter")

    await both.dynamics.delete(PERMISSIONS, row)

    await given(both, person)
    await nothing_more(both)
    assert await permission_rows(both, person) == {}


async def test_a_row_that_was_renamed_by_hand_takes_the_permission_along_and_the_record_says_why(both: World) -> None:
    person = await both.synchronised()
    row = await both.permit(person, "Newsletter")
    await given(both, person, "Newsletter")

    for columns in ({"dh_name": "Nieuwsbrief"}, {"dh_subscribed": False}):
        await both.dynamics.change(PERMISSIONS, row, columns)
        await both.settled()

    await given(both, person)
    await nothing_more(both)
    status = await both.status_now(person)
    assert status is not None
    assert "Left out: Spotler Permission" in status.text


async def test_a_permission_given_on_one_side_while_the_other_gave_another(both: World) -> None:
    person = await both.synchronised()
    await switch(both, person, offers=True)
    await both.permit(person, "Newsletter")

    await given(both, person, "Newsletter", "Offers")
    await poll(both)

    assert await permission_rows(both, person) == {"Newsletter": True, "Offers": True}
    await nothing_more(both)


async def test_two_records_of_one_contact_hear_of_a_withdrawal_both(both: World) -> None:
    first = await both.synchronised()
    second = await both.synchronised(PersonTable.LEAD, emailaddress1=first.email)
    for person in (first, second):
        await both.permit(person, "Newsletter")
    await given(both, first, "Newsletter")
    await both.settled()
    await switch(both, first, newsletter=False)

    await poll(both)

    assert [await permission_rows(both, person) for person in (first, second)] == [{"Newsletter": False}] * 2
    await nothing_more(both)


# -------------------------------------------------------------------------------------------------- periodieken, lists


async def periodieken(world: World, person: Person) -> dict[str, bool]:
    """The subscriptions of Engage 365."""
    rows = (await world.dynamics.read("new_periodieken?$select=new_name,new_subscribed,_new_contactid_value"))["value"]
    return {row["new_name"]: row["new_subscribed"] for row in rows if row["_new_contactid_value"] == person.id}


async def test_if_01_if_02_if_03_a_periodiek_is_a_permission_on_both_sides(both: World) -> None:
    person = await both.synchronised()
    row = {"new_name": "Voorjaar", "new_subscribed": True, "new_ContactId@odata.bind": f"/{person.path}"}
    await both.dynamics.create("new_periodieken", row)
    await both.change(person, address1_city=f"{MARK}oord")  # a periodiek of its own fires nothing

    def takes(contact: dict[str, Any]) -> set[str]:
        return {one["description"] for one in contact["properties"]["magazines"] if one["enabled"]}

    await both.in_spotler(person, lambda contact: takes(contact) == {"Voorjaar"})
    await edit(both, person, magazines=[{"bit": 1, "enabled": False}, {"bit": 2, "enabled": True}])
    await poll(both)

    assert await periodieken(both, person) == {"Voorjaar": False, "Najaar": True}
    await nothing_more(both)


async def test_perm_07_a_subscription_can_be_the_membership_of_a_marketing_list(both: World) -> None:
    person = await both.synchronised()
    row = {"listname": "Garden", "createdfromcode": 2, "type": False}
    listed = await both.dynamics.create("lists", row)
    await edit(both, person, interests=[{"bit": 1, "enabled": True}])

    await poll(both)

    async def members() -> list[str]:
        rows = (await both.dynamics.read(f"listmembers?$filter=_listid_value eq {listed}"))["value"]
        return [one["_entityid_value"] for one in rows]

    assert await eventually(members, "a member") == [person.id]
    await nothing_more(both)

    await edit(both, person, interests=[{"bit": 1, "enabled": False}])
    await poll(both)

    assert await members() == []
    await nothing_more(both)
