"""OPT-07..OPT-09, P-02, C-15: what a person refused at an address holds for every record that comes to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from shared.adapters.dataverse.records.tables import PERMISSIONS
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from tests.scenario.privacy import MARK
from tests.scenario.refusal_acts import (
    NONE,
    addresses,
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
from tests.scenario.two_way import nothing_more, open_both_ways, permission_rows, poll, stored, switch
from tests.scenario.world import Person, World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

End = Callable[[World, Person], Awaitable[None]]
TEN = 10


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_both_ways(tmp_path_factory.mktemp("addresses"), rows=()) as opened:
        yield opened


async def entered_again(world: World, person: Person, table: PersonTable = PersonTable.CONTACT) -> Person:
    """Save the same person as a new record that says yes, as an import or a colleague does."""
    again = await world.save(table, emailaddress1=person.email)
    await world.permit(again, "Newsletter")
    await world.settled()
    return again


# ------------------------------------------------------------------------------------------------ entered once more


ENDS = [World.delete, World.deactivate]


@pytest.mark.parametrize("table", list(PersonTable))
@pytest.mark.parametrize("end", ENDS)
async def test_opt_08_a_person_who_opted_out_and_is_entered_again_stays_out(
    both: World, end: End, table: PersonTable
) -> None:
    person = await opted_out(both, "Newsletter")
    await end(both, person)
    await both.settled()

    again = await entered_again(both, person, table)

    await stays_out(both, again)
    job = await both.ended(await both.ask(Operation.SYNC_CONTACT, again))
    await resync(both, again)
    assert (job.status, job.code) == (JobStatus.FAILED, "opted-out")
    await stays_out(both, again)
    await nothing_more(both)


@pytest.mark.parametrize("end", ENDS)
async def test_p_02_opt_09_a_person_entered_again_comes_back_by_a_sign_up_form(both: World, end: End) -> None:
    person = await opted_out(both, "Newsletter")
    await end(both, person)
    await both.settled()
    again = await entered_again(both, person)
    await stays_out(both, again)

    await sign_up(both, person.email, 1)
    await poll(both)

    await is_back(both, again, "Newsletter")
    assert await addresses(both, person.email) == 1
    await nothing_more(both)


async def test_c_12_an_opt_out_that_no_poll_has_seen_outlives_the_record_that_is_deleted(both: World) -> None:
    person = await subscribed(both, "Newsletter")
    await opt_out(both, person)
    await both.delete(person)
    await both.settled()

    again = await entered_again(both, person)

    await stays_out(both, again)


async def test_opt_11_a_withdrawal_while_the_record_is_disabled_holds_for_the_next_record(both: World) -> None:
    person = await subscribed(both, "Offers")
    info = (await both.status(person, SyncStatus.SUCCEEDED)).id
    await both.dynamics.set_status(info, SyncStatus.DISABLED)
    await sign_up(both, person.email, 1, 8)
    await poll(both)
    await switch(both, person, newsletter=False)
    await poll(both)
    await both.delete(person)
    await both.settled()

    again = await entered_again(both, person)

    await both.status(again, SyncStatus.SUCCEEDED)
    assert "Newsletter" not in permissions(await both.in_spotler(again))


async def test_a_deactivated_record_that_had_opted_out_stays_out_when_it_is_activated(both: World) -> None:
    person = await opted_out(both, "Newsletter")
    await both.deactivate(person)
    await both.settled()

    await both.activate(person)
    await both.settled()

    await stays_out(both, person)
    await nothing_more(both)


@pytest.mark.parametrize("table", list(PersonTable))
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


async def test_a_record_that_changes_to_an_address_whose_contact_is_gone_stays_out(both: World) -> None:
    person, other = await opted_out(both, "Newsletter"), await subscribed(both, "Newsletter")
    await both.delete(person)
    await both.settled()

    await both.change(other, emailaddress1=person.email)
    await both.settled()

    await stays_out(both, Person(other.table, other.id, person.email))
    assert permissions(await both.spotler.contact(other.email) or {"properties": {"permissions": []}}) == NONE


@pytest.mark.parametrize("column", ["donotbulkemail", "donotemail"])
async def test_opt_11_refusals_of_a_deleted_record_keep_permissions_off_for_the_next_one(
    both: World, column: str
) -> None:
    person = await subscribed(both, "Newsletter")
    await both.change(person, **{column: True})
    await both.settled()
    await both.delete(person)
    await both.settled()

    again = await entered_again(both, person)

    await given(both, again)
    assert await stored(both, again, column) is False  # nothing is refused on the new record itself
    await nothing_more(both)


async def test_p_02_a_sign_up_form_overtakes_what_a_record_refused_that_is_gone(both: World) -> None:
    person = await subscribed(both, "Newsletter")
    await both.change(person, donotbulkemail=True)
    await both.settled()
    again = await both.synchronised(emailaddress1=person.email)
    await both.permit(again, "Offers")
    await both.settled()
    await both.delete(person)
    await both.settled()
    await given(both, again)

    await sign_up(both, person.email, 1)
    await poll(both)

    await is_back(both, again, "Newsletter")
    await nothing_more(both)


async def test_f15_ten_who_are_deleted_and_entered_again_at_once_end_alike_and_inherit_nothing(both: World) -> None:
    people = [await both.save() for _ in range(TEN)]
    for person in people:
        await both.permit(person, "Newsletter")
    await both.settled()

    async def again(person: Person) -> Person:
        await both.delete(person)
        return await both.save(emailaddress1=person.email)

    anew = await asyncio.gather(*map(again, people))
    await both.settled()
    await poll(both)

    assert [permissions(await both.in_spotler(person)) for person in anew] == [NONE] * TEN
    assert [await permission_rows(both, person) for person in anew] == [{}] * TEN
    assert [await addresses(both, person.email) for person in anew] == [1] * TEN
    await nothing_more(both)


# ------------------------------------------------------------------------------------------------------------- merged


@pytest.mark.parametrize("is_polled", [True, False])
@pytest.mark.parametrize("is_survivor_first", [True, False])
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


# ----------------------------------------------------------------------------------------------- unsubscribed, shared


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
