"""Fields that change in Spotler are written back: directions, echoes and conflicts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.records.records import PersonTable
from shared.inbound.page_counts import ChangeKind
from tests.connector_twin import ConnectorTwin, person
from tests.unit.inbound.two_way.exchanging import met, ping_pong, two_way, value


async def test_s2d_02_a_two_way_field_changed_in_spotler_is_written_back() -> None:
    twin, ann = await met()
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda", firstName="Anna", hobby="chess")

    polled = await twin.poll()

    assert polled.seen[ChangeKind.CHANGED] == 1
    assert value(twin, ann, "address1_city") == "Gouda"
    assert value(twin, ann, "new_hobby") == "chess"
    assert value(twin, ann, "firstname") == "Ann"  # one way: Spotler's value does not count
    assert await ping_pong(twin) == 0


async def test_s2d_03_an_echo_costs_no_request_to_dataverse() -> None:
    twin, ann = await met()
    twin.crm.edit(ann, address1_city="Leiden")
    await twin.sync(ann)
    twin.crm.calls.clear()

    polled = await twin.poll()

    assert polled.seen == {ChangeKind.ECHO: 1}
    assert twin.crm.calls.total() == 0


@pytest.mark.parametrize(
    ("policy", "dataverse", "spotler"),
    [("crm", "Leiden", "Leiden"), ("spotler", "Gouda", "Gouda"), ("ask", "Leiden", "Gouda")],
)
async def test_both_sides_changed_the_policy_of_the_row_decides(policy: str, dataverse: str, spotler: str) -> None:
    twin, ann = await met(two_way(city={"conflict": policy}))
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda")
    twin.crm.edit(ann, address1_city="Leiden")

    await twin.sync(ann)
    await twin.poll()

    assert value(twin, ann, "address1_city") == dataverse
    assert twin.contact_of("ann@example.com").values["city"] == spotler
    explained = await twin.explain.record(ann)
    assert (
        explained["merged"]
        == {"crm": {"city": "dataverse-won"}, "spotler": {"city": "spotler-won"}, "ask": {"city": "asked"}}[policy]
    )
    assert await ping_pong(twin) == 0


async def test_flapping_field_is_frozen_and_reported() -> None:
    twin, ann = await met()
    contact = twin.contact_of("ann@example.com")
    for number in range(8):  # a flow rewrites what is written back, and a person insists
        twin.platform.edit(contact, city=f"Spotler {number}")
        twin.clock.advance(timedelta(minutes=1))
        await twin.poller.poll()
        twin.crm.edit(ann, address1_city=f"Dynamics {number}")
        await twin.sync(ann)

    assert (await twin.explain.record(ann))["merged"] == {"city": "frozen"}
    assert await ping_pong(twin) == 0


async def test_s2d_09_a_contact_without_our_kind_of_id_is_a_new_subscriber() -> None:
    twin, _ = await met()
    twin.platform.sign_up("form@example.com")
    twin.platform.sign_up("shop@example.com", external_id="CUSTOMER-12")

    polled = await twin.poll()

    assert polled.seen[ChangeKind.NEW_SUBSCRIBER] == 2
    assert len(twin.new_subscribers.seen) == 2


async def test_a_contact_whose_binding_was_lost_is_found_by_its_id() -> None:
    twin, ann = await met()
    twin.store.documents.clear()
    twin.platform.edit(twin.contact_of("ann@example.com"), hobby="chess")

    await twin.poll()

    assert value(twin, ann, "new_hobby") == "chess"
    assert PersonTable.CONTACT is ann.table


@pytest.mark.parametrize(
    ("before", "edited", "stored", "left"),
    [
        ("B-1000", {"postalCode": "3511 AB"}, "3511 AB", {"postalCode": "3511 AB"}),
        ("3511 AB", {"foreignPostalCode": "B-1000"}, "B-1000", {"foreignPostalCode": "B-1000"}),
        ("B-1000", {"foreignPostalCode": "F-75001"}, "F-75001", {"foreignPostalCode": "F-75001"}),
        ("B-1000", {"postalCode": "3511 AB", "foreignPostalCode": ""}, "3511 AB", {"postalCode": "3511 AB"}),
        ("B-1000", {"postalCode": "3511 AB", "foreignPostalCode": "F-75001"}, "3511 AB", {"postalCode": "3511 AB"}),
        ("B-1000", {"foreignPostalCode": ""}, None, {}),
        ("3511 AB", {"postalCode": ""}, None, {}),
    ],
)
async def test_val_07_of_a_dutch_and_a_foreign_value_the_one_that_the_person_gives_stays(
    before: str, edited: dict[str, str], stored: str | None, left: dict[str, str]
) -> None:
    row = {"spotler": "postalCode", "contact": "address1_postalcode", "foreign": "foreignPostalCode"}
    rules = two_way(city=row | {"direction": "<->"})
    twin = ConnectorTwin(rules)
    ann = twin.crm.create(**person(address1_postalcode=before, new_hobby=None, permissions={"Newsletter": True}))
    await twin.sync(ann)
    await twin.poll()
    twin.platform.edit(twin.contact_of("ann@example.com"), **edited)

    await twin.poll()

    assert (value(twin, ann, "address1_postalcode") or None) == stored
    has = twin.contact_of("ann@example.com").values
    assert {name: has[name] for name in ("postalCode", "foreignPostalCode") if has.get(name)} == left
    assert await ping_pong(twin) == 0
