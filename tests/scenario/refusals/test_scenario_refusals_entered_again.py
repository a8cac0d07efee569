"""OPT-08, OPT-09, OPT-11, P-02, C-12: what a person refused holds for the next record after one that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from tests.examples import thinned
from tests.scenario.refusal_acts import (
    NONE,
    addresses,
    entered_again,
    given,
    is_back,
    opt_out,
    opted_out,
    resync,
    sign_up,
    stays_out,
    subscribed,
)
from tests.scenario.two_way import nothing_more, permission_rows, poll, stored, switch
from tests.scenario.world import Person, World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

End = Callable[[World, Person], Awaitable[None]]
TEN = 10
ENDS = [World.delete, World.deactivate]


@pytest.mark.parametrize("table", thinned(list(PersonTable)))
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


@pytest.mark.parametrize("end", thinned(ENDS))
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
