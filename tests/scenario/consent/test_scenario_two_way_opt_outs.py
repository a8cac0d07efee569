"""OPT, C-12, C-13: who opts out, on whichever side, is left in peace; who comes back is welcome."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from tests.examples import thinned
from tests.scenario.privacy import MARK
from tests.scenario.two_way import BOTH, edit, explained, nothing_more, open_both_ways, permission_rows, poll, stored
from tests.scenario.world import Person, World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOWN = {"spotler": "city", **dict.fromkeys(PersonTable, "address1_city"), "direction": BOTH}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_both_ways(tmp_path_factory.mktemp("opt-outs"), rows=(TOWN,)) as opened:
        yield opened


async def opt_out(world: World, person: Person) -> None:
    """Unsubscribe from everything, as the link in a mailing does."""
    await world.spotler.post(f"contact/opt-out?email={person.email}")


@pytest.mark.parametrize("table", thinned(list(PersonTable)))
async def test_opt_06_opt_07_c_12_an_opt_out_in_spotler_is_on_the_record_after_the_next_poll(
    both: World, table: PersonTable
) -> None:
    person = await both.synchronised(table)
    await opt_out(both, person)

    await poll(both)

    status = await both.status(person, SyncStatus.OPT_OUT, "opted-out")
    assert "opted out in Spotler" in status.text
    assert await stored(both, person, "donotbulkemail") is True
    assert await stored(both, person, "donotemail") is False  # OPT-11
    assert await both.erasures() == 0
    await nothing_more(both)


async def test_opt_08_c_13_nothing_is_sent_any_more_also_when_bulk_email_is_allowed_again(both: World) -> None:
    person = await both.synchronised()
    await both.permit(person, "Newsletter")
    await both.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})
    await opt_out(both, person)
    await poll(both)
    before = await both.in_spotler(person)

    await both.change(person, donotbulkemail=False, address1_city=f"{MARK}oord")
    await both.settled()

    assert await both.in_spotler(person) == before
    status = await both.status_now(person)
    assert status is not None
    assert (status.status, status.code) == (SyncStatus.OPT_OUT, "opted-out")
    await nothing_more(both)


async def test_opt_03_a_record_that_refuses_bulk_mail_is_still_synchronised_both_ways(both: World) -> None:
    person = await both.synchronised(donotbulkemail=True)
    await both.change(person, jobtitle=f"{MARK}baas")
    await both.in_spotler(person, lambda contact: contact["properties"]["jobTitle"] == f"{MARK}baas")
    await edit(both, person, city=f"{MARK}stad")

    await poll(both)

    assert await stored(both, person, "address1_city") == f"{MARK}stad"
    await nothing_more(both)


async def test_opt_01_an_opt_out_and_a_return_are_seen_in_bulk_email_without_anybody_in_dynamics(both: World) -> None:
    person = await both.synchronised()
    await opt_out(both, person)
    await poll(both)
    assert await stored(both, person, "donotbulkemail") is True

    await both.spotler.post("form", {"properties": {"email": person.email}})  # OPT-09: only the address
    await poll(both)

    assert await stored(both, person, "donotbulkemail") is False
    await both.status(person, SyncStatus.SUCCEEDED)
    assert (await both.in_spotler(person))["inactivity"] is None
    await nothing_more(both)


async def test_a_person_who_comes_back_gets_later_changes_and_the_former_permissions(both: World) -> None:
    person = await both.synchronised()
    await both.permit(person, "Newsletter")
    await both.permit(person, "Offers", subscribed=False)
    await both.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})
    await opt_out(both, person)
    await poll(both)
    await both.change(person, jobtitle=f"{MARK}baas")
    await both.settled()

    await both.spotler.post("form", {"properties": {"email": person.email}})
    await poll(both)

    contact = await both.in_spotler(person, lambda contact: contact["properties"]["jobTitle"] == f"{MARK}baas")
    assert permissions(contact) == {name for name, on in (await permission_rows(both, person)).items() if on}
    assert await permission_rows(both, person) == {"Newsletter": True, "Offers": False}
    await nothing_more(both)


async def test_opt_10_after_a_return_a_job_completes_what_somebody_had_disabled_by_hand(both: World) -> None:
    person = await both.synchronised()
    await opt_out(both, person)
    await poll(both)
    info = (await both.status(person, SyncStatus.OPT_OUT)).id
    await both.dynamics.set_status(info, SyncStatus.DISABLED)
    await both.spotler.post("form", {"properties": {"email": person.email}})
    await both.dynamics.set_status(info, SyncStatus.PROCESSING)

    job = await both.ended(await both.ask(Operation.SYNC_CONTACT, person))
    await poll(both)

    assert job.status is JobStatus.COMPLETED
    await both.status(person, SyncStatus.SUCCEEDED)
    assert await stored(both, person, "donotbulkemail") is False
    await nothing_more(both)


async def test_bnc_07_a_contact_that_somebody_made_inactive_for_good_counts_as_opted_out(both: World) -> None:
    person = await both.synchronised()
    await both.spotler.post(f"contact/inactivate?email={person.email}")

    await poll(both)

    await both.status(person, SyncStatus.OPT_OUT, "opted-out")
    await nothing_more(both)


async def test_c_15_a_job_that_deactivates_a_contact_is_no_opt_out(both: World) -> None:
    person = await both.synchronised()

    job = await both.ended(await both.ask(Operation.DEACTIVATE_CONTACT, person))
    await poll(both)

    assert job.status is JobStatus.COMPLETED
    await both.status(person, SyncStatus.SUCCEEDED, "deactivated")
    assert await stored(both, person, "donotbulkemail") is False
    await nothing_more(both)


async def test_an_opt_out_counts_for_every_record_with_that_address(both: World) -> None:
    first = await both.synchronised()
    second = await both.synchronised(PersonTable.LEAD, emailaddress1=first.email)
    await opt_out(both, first)

    await poll(both)

    for person in (first, second):
        await both.status(person, SyncStatus.OPT_OUT)
        assert await stored(both, person, "donotbulkemail") is True
    await nothing_more(both)


async def test_an_opt_out_is_in_the_ledger_of_consent_with_where_it_came_from(both: World) -> None:
    person = await both.synchronised()
    await opt_out(both, person)
    await poll(both)
    await both.spotler.post("form", {"properties": {"email": person.email}})
    await poll(both)

    told = [(one["subject"], one["new"], one["source"]) for one in (await explained(both, person))["consent"]]
    told.reverse()  # newest first

    assert [(subject, source) for subject, _, source in told if subject == "opt-out"] == [
        ("opt-out", "spotler-opt-out"),
        ("opt-out", "reactivated"),
    ]
    assert ("bulk-email", "no", "spotler-opt-out") in told
    assert ("bulk-email", "yes", "reactivated") in told
