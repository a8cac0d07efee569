"""NEW-01, NEW-06, NEW-08, IF-04, IF-05: new subscribers, with a mapping of one's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.domain.records.records import PersonTable, SyncStatus
from tests.scenario.privacy import MARK
from tests.scenario.two_way import BOTH, HOME, edit, nothing_more, open_both_ways, poll, stored
from tests.scenario.world import Person, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = (
    {"spotler": "profileField1", "entity": "new_email", "direction": BOTH},
    {"spotler": "city", **dict.fromkeys(PersonTable, "address1_city"), "entity": "new_town", "direction": BOTH},
    {"spotler": "lastName", "contact": "lastname", "lead": "lastname", "direction": BOTH},
    {"spotler": "$value:Website", "contact": "new_story", "entity": "new_source", "direction": HOME},
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder, mapping = tmp_path_factory.mktemp("subscribers"), {"entityTable": "new_membershipentry"}
    settings = {"NEW_SUBSCRIBER_TARGET": "membershipentry"}
    async with open_both_ways(folder, rows=ROWS, mapping=mapping, **settings) as opened:
        yield opened


async def entries(world: World) -> list[tuple[str, str, str]]:
    rows = (await world.dynamics.read("new_membershipentries?$select=new_email,new_town,new_source"))["value"]
    return [(row["new_email"], row["new_town"], row["new_source"]) for row in rows]


async def test_new_01_if_04_if_05_a_subscriber_becomes_a_membership_entry_that_follows_the_contact(
    both: World,
) -> None:
    email = both.address()
    await both.spotler.post("form", {"properties": {"email": email, "profileField1": email, "city": f"{MARK}stad"}})
    await poll(both)
    assert await entries(both) == [(email, f"{MARK}stad", "Website")]
    await nothing_more(both)

    await edit(both, email, city=f"{MARK}oord")
    await poll(both)

    assert await entries(both) == [(email, f"{MARK}oord", "Website")]
    assert (await both.dynamics.read("contacts?$select=contactid"))["value"] == []
    await nothing_more(both)


async def test_new_02_new_06_as_contacts_they_get_a_fixed_value_that_says_where_they_came_from(both: World) -> None:
    await both.connector.restart(NEW_SUBSCRIBER_TARGET="contact")
    email = both.address()
    await both.spotler.post("form", {"properties": {"email": email, "city": f"{MARK}stad"}})

    await poll(both)

    rows = await both.dynamics.read(f"contacts?$filter=emailaddress1 eq '{email}'&$select=contactid")
    person = Person(PersonTable.CONTACT, rows["value"][0]["contactid"], email)
    assert await stored(both, person, "new_story") == "Website"
    assert await stored(both, person, "address1_city") == f"{MARK}stad"
    await both.status(person, SyncStatus.SUCCEEDED)
    await nothing_more(both)


@pytest.mark.parametrize(
    ("name", "beginning"), [("L" * 60, "L" * 50), ("👨‍👩‍👧‍👦" * 5, "👨‍👩‍👧‍👦" * 4)], ids=["letters", "families"]
)
async def test_cs_24_a_last_name_that_is_too_long_begins_on_the_record_and_stays_whole_in_spotler(
    both: World, name: str, beginning: str
) -> None:
    await both.connector.restart(NEW_SUBSCRIBER_TARGET="contact")
    await both.connector.call("GET", "/api/health")  # from now on it knows its own user, and what it wrote itself
    email = both.address()
    await both.spotler.post("form", {"properties": {"email": email, "lastName": name}})

    await poll(both)

    rows = await both.dynamics.read(f"contacts?$filter=emailaddress1 eq '{email}'&$select=contactid")
    person = Person(PersonTable.CONTACT, rows["value"][0]["contactid"], email)
    assert await stored(both, person, "lastname") == beginning
    status = await both.status(person, SyncStatus.SUCCEEDED)
    assert "Spotler's lastName: lastname expects at most 50 characters" in status.text
    assert (await both.in_spotler(email))["properties"]["lastName"] == name
    await nothing_more(both)

    await both.change(person, address1_city=f"{MARK}dam")  # a save leaves it whole as well
    await both.settled()
    assert (await both.in_spotler(email))["properties"]["lastName"] == name

    await both.change(person, lastname=f"{MARK}sma")
    await both.settled()
    assert (await both.in_spotler(email))["properties"]["lastName"] == f"{MARK}sma"


async def test_new_08_s2d_06_an_old_contact_without_our_id_counts_as_new_when_it_is_changed(both: World) -> None:
    await both.connector.restart(NEW_SUBSCRIBER_TARGET="none")
    email = both.address()
    await both.spotler.post("form", {"properties": {"email": email}})
    assert (await poll(both))["contacts"]["newcomer"] >= 1  # C-07: nobody is taken in
    await nothing_more(both)
    await both.connector.restart(NEW_SUBSCRIBER_TARGET="contact")

    await edit(both, email, city=f"{MARK}oord")
    await poll(both)

    rows = await both.dynamics.read(f"contacts?$filter=emailaddress1 eq '{email}'&$select=address1_city")
    assert [row["address1_city"] for row in rows["value"]] == [f"{MARK}oord"]
    await nothing_more(both)
