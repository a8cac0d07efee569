"""OPT-02, PERM-08, VAL-05: what somebody withdraws in Dynamics is off in Spotler at once, whatever else cannot go."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.records.records import PersonTable, SyncStatus
from tests.examples import thinned
from tests.scenario.privacy import MARK
from tests.scenario.refusal_acts import (
    WAYS,
    Withdraw,
    by_a_row_that_says_no,
    given,
    mapping_of,
    subscribed,
    without_permissions,
)
from tests.scenario.two_way import mapping_text, nothing_more, permission_rows, poll
from tests.scenario.world import Person, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOO_SHORT, TOO_LONG = "061859622", "06185962255"
IN_EDE = 'address1_city = "Ede"'


async def withdrawn_together_with(world: World, withdraw: Withdraw, **columns: Any) -> Person:
    """Let a subscriber withdraw while other columns change, and wait until nothing is underway."""
    person = await subscribed(world, "Newsletter", address1_city="Ede")
    await world.change(person, **columns)
    await world.settled()
    more = await withdraw(world, person)
    if more:
        await world.change(person, **more)
    await world.settled()
    return person


@pytest.mark.parametrize("number", thinned([TOO_SHORT, TOO_LONG, "0900-1234", "geen"]))
async def test_f2_a_mistyped_number_beside_do_not_bulk_email_keeps_no_permission_on(both: World, number: str) -> None:
    person = await subscribed(both, "Newsletter")

    await both.change(person, mobilephone=number, donotbulkemail=True)
    await both.settled()

    await given(both, person)
    status = await both.status_now(person)
    assert status is not None
    assert "Left out: mobile" in status.text
    await nothing_more(both)


@pytest.mark.parametrize("withdraw", thinned(WAYS))
async def test_f2_a_value_that_does_not_fit_keeps_no_withdrawal_from_spotler(both: World, withdraw: Withdraw) -> None:
    person = await withdrawn_together_with(both, withdraw, mobilephone=TOO_SHORT)

    await given(both, person)
    await both.change(person, mobilephone="0612345678")
    await both.settled()
    contact = await given(both, person)
    assert contact["properties"]["mobileNumber"] == "0612345678"
    await nothing_more(both)


async def test_a_value_without_which_nothing_is_sent_keeps_no_withdrawal_from_spotler(both: World) -> None:
    strict = {
        "spotler": "postalCode",
        **dict.fromkeys(PersonTable, "address1_postalcode"),
        "invalid": "fail",
    }
    async with mapping_of(both, mapping_text(strict)):
        people = [await withdrawn_together_with(both, withdraw, address1_postalcode="12") for withdraw in WAYS]

        for person in people:
            contact = await given(both, person)
            assert contact["properties"]["postalCode"] != "12"
            await both.status(person, SyncStatus.FAILED, "invalid-value")
        await poll(both)
        for person in people:
            await given(both, person)


async def test_f3_who_left_the_filter_can_withdraw_and_the_data_stay_as_they_are(both: World) -> None:
    async with mapping_of(both, mapping_text(filters={"contact": IN_EDE})):
        people = [await withdrawn_together_with(both, withdraw, address1_city="Wageningen") for withdraw in WAYS]

        for person in people:
            contact = await given(both, person)
            assert contact["properties"]["city"] == "Ede"
            await both.status(person, SyncStatus.SUCCEEDED, "filtered")
        await nothing_more(both)


async def test_f9_do_not_bulk_email_counts_in_a_mapping_without_the_row_of_permissions(both: World) -> None:
    person = await subscribed(both, "Newsletter")
    async with mapping_of(both, without_permissions()):
        await both.change(person, donotbulkemail=True)
        await both.settled()

        await given(both, person)
        await both.change(person, donotbulkemail=False)  # nobody gave it anew
        await both.settled()
        await given(both, person)


@pytest.mark.parametrize("withdraw", WAYS)
async def test_sta_05_a_record_whose_synchronisation_is_disabled_can_withdraw(both: World, withdraw: Withdraw) -> None:
    person = await subscribed(both, "Newsletter", address1_city="Ede")
    info = (await both.status(person, SyncStatus.SUCCEEDED)).id
    await both.dynamics.set_status(info, SyncStatus.DISABLED)
    await both.settled()

    await both.change(person, address1_city="Wageningen", **await withdraw(both, person))
    await both.settled()

    contact = await given(both, person)
    assert contact["properties"]["city"] == "Ede"
    await both.status(person, SyncStatus.DISABLED)


@pytest.mark.parametrize("withdraw", thinned(WAYS))
async def test_c_02_an_inactive_record_whose_contact_stays_can_withdraw(both: World, withdraw: Withdraw) -> None:
    await both.connector.restart(ANONYMIZE_CONTACT_WHEN_INACTIVE="false")
    person = await subscribed(both, "Newsletter", address1_city="Ede")
    await both.deactivate(person)
    await both.settled()
    await given(both, person, "Newsletter")

    more = await withdraw(both, person)
    if more:
        await both.change(person, **more)
    await both.settled()

    contact = await given(both, person)
    assert contact["properties"]["city"] == "Ede"
    await both.settled()
    await both.connector.restart()


async def test_a_withdrawal_that_went_by_itself_stands_when_the_rest_can_go_again(both: World) -> None:
    async with mapping_of(both, mapping_text(filters={"contact": IN_EDE})):
        person = await withdrawn_together_with(both, by_a_row_that_says_no, address1_city="Wageningen")
        await given(both, person)

        await both.change(person, address1_city="Ede", jobtitle=f"{MARK}baas")
        await both.settled()

        contact = await given(both, person)
        assert contact["properties"]["jobTitle"] == f"{MARK}baas"
        assert await permission_rows(both, person) == {"Newsletter": False}
        await nothing_more(both)
