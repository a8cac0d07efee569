"""OPT-07, PERM-15, P-02, C-15: what a person refused at an address holds for all records that have or get it."""

from __future__ import annotations

import pytest

from shared.adapters.dataverse.records.tables import PERMISSIONS
from shared.domain.records.records import PersonTable
from tests.examples import thinned
from tests.scenario.privacy import MARK
from tests.scenario.refusal_acts import (
    addresses,
    entered_again,
    given,
    is_back,
    merge_unheard,
    opt_out,
    opted_out,
    resync,
    sign_up,
    stays_out,
    subscribed,
)
from tests.scenario.two_way import nothing_more, permission_rows, poll, switch
from tests.scenario.world import Person, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("table", thinned(list(PersonTable)))
async def test_opt_07_a_second_record_at_an_opted_out_address_gets_opt_out_and_do_not_allow(
    both: World, table: PersonTable
) -> None:
    person = await opted_out(both, "Newsletter")

    second = await entered_again(both, person, table)

    await stays_out(both, second)
    assert await addresses(both, person.email) == 1
    await nothing_more(both)


async def test_p_02_both_records_of_an_opted_out_address_come_back_by_a_sign_up_form(both: World) -> None:
    person = await opted_out(both, "Newsletter")
    second = await entered_again(both, person, PersonTable.LEAD)
    await stays_out(both, second)

    await sign_up(both, person.email, 1)
    await poll(both)

    for one in (person, second):
        await is_back(both, one, "Newsletter")
    assert await addresses(both, person.email) == 1
    await nothing_more(both)


async def test_p_02_a_first_permission_by_form_reaches_both_records_of_an_opted_out_address(
    both: World,
) -> None:
    person = await opted_out(both)
    second = await both.save(PersonTable.LEAD, emailaddress1=person.email)
    await stays_out(both, second)

    await sign_up(both, person.email, 1)
    await poll(both)

    for one in (person, second):
        await is_back(both, one, "Newsletter")
    await nothing_more(both)


@pytest.mark.parametrize("is_polled", [True, False])
@pytest.mark.parametrize("is_survivor_first", thinned([True, False]))
async def test_f4_who_takes_over_an_opted_out_address_in_a_merge_stays_out_in_either_order(
    both: World, *, is_survivor_first: bool, is_polled: bool
) -> None:
    left, survivor = await subscribed(both, "Newsletter"), await subscribed(both, "Newsletter")
    await opt_out(both, left)
    if is_polled:
        await poll(both)
    await merge_unheard(both, survivor, left, emailaddress1=left.email)

    for person in (survivor, left) if is_survivor_first else (left, survivor):
        await resync(both, person)
    await poll(both)

    await stays_out(both, Person(survivor.table, survivor.id, left.email))
    assert await both.spotler.contact(survivor.email) is None
    await nothing_more(both)


async def test_f4_who_took_over_an_opted_out_address_in_a_merge_comes_back_by_a_sign_up_form(both: World) -> None:
    left, survivor = await opted_out(both, "Newsletter"), await subscribed(both, "Newsletter")
    taken = {"emailaddress1": left.email}
    await both.dynamics.merge(PersonTable.CONTACT, target=survivor.id, subordinate=left.id, taken_over=taken)
    await both.settled()
    merged = Person(survivor.table, survivor.id, left.email)
    await stays_out(both, merged)

    await sign_up(both, left.email, 1)
    await poll(both)

    await is_back(both, merged, "Newsletter")
    assert await addresses(both, left.email) == 1
    await nothing_more(both)


@pytest.mark.parametrize("is_polled", [True, False])
async def test_perm_15_a_lead_imported_with_yes_and_the_address_of_somebody_who_unsubscribed_raises_nothing(
    both: World, *, is_polled: bool
) -> None:
    person = await subscribed(both, "Newsletter")
    await switch(both, person, newsletter=False)
    if is_polled:
        await poll(both)

    lead = await entered_again(both, person, PersonTable.LEAD)
    await poll(both)

    await given(both, person)
    assert await permission_rows(both, person) == {"Newsletter": False}
    assert await permission_rows(both, lead) == {"Newsletter": False}
    await nothing_more(both)


async def test_perm_15_a_lead_imported_with_yes_and_the_address_of_an_unsubscribed_stranger_raises_nothing(
    both: World,
) -> None:
    email = both.address()
    await sign_up(both, email, 1)
    await both.spotler.post(
        f"contact/edit?email={email}", {"properties": {"permissions": [{"bit": 1, "enabled": False}]}}
    )

    lead = await both.bring_in(PersonTable.LEAD, emailaddress1=email)
    row = {"dh_name": "Newsletter", "dh_subscribed": True, "dh_LeadId@odata.bind": f"/{lead.path}"}
    await both.dynamics.bring_in(PERMISSIONS, row)
    await resync(both, lead)
    await poll(both)

    contact = await given(both, lead)
    assert contact["properties"]["lastName"] == f"Achter{MARK}"  # its data arrive
    assert await permission_rows(both, lead) == {"Newsletter": False}
    await nothing_more(both)


async def test_f14_the_yes_of_a_mistyped_address_raises_nothing_against_the_no_of_its_owner(
    both: World,
) -> None:
    mistyped, owner = await both.save(), await both.save()
    await both.permit(mistyped, "Newsletter")
    await both.permit(owner, "Newsletter", subscribed=False)
    await both.settled()

    await both.change(mistyped, emailaddress1=owner.email)
    await both.settled()
    await given(both, owner)
    await poll(both)

    assert await permission_rows(both, owner) == {"Newsletter": False}
    await both.change(mistyped, emailaddress1=mistyped.email)
    await both.settled()
    await poll(both)
    await given(both, owner)
    assert await permission_rows(both, owner) == {"Newsletter": False}
    await nothing_more(both)


async def test_f14_the_yes_of_a_mistyped_address_leaves_no_yes_with_its_owner(both: World) -> None:
    silent, mistyped = await both.save(), await both.save()
    await both.permit(mistyped, "Offers")
    await both.settled()

    await both.change(mistyped, emailaddress1=silent.email)
    await both.settled()
    await given(both, silent)
    await both.change(mistyped, emailaddress1=mistyped.email)
    await both.settled()
    await poll(both)

    await given(both, silent)
    assert not any((await permission_rows(both, silent)).values())
    await nothing_more(both)
