"""S2D, C-08, C-44: what people change in Spotler is written back to Dynamics, converted, and stays there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from shared.adapters.dataverse.records.tables import PEOPLE
from shared.domain.records.records import PersonTable, SyncStatus
from tests.examples import thinned
from tests.scenario.privacy import BIRTHDATE, MARK
from tests.scenario.two_way import BOTH, HOME, ROWS, edit, explained, nothing_more, open_both_ways, poll, stored
from tests.scenario.world import Person, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

NICKNAME = "profileField1"
MORE_ROWS = (
    {"spotler": "organisation", "contact": "parentcustomerid", "direction": BOTH},
    {"spotler": "gender", "contact": "gendercode", "choices": {1: "M", 2: "F"}, "direction": BOTH},
    {"spotler": "lastName", "contact": "lastname", "lead": "lastname", "direction": BOTH},
    {"spotler": "city", **dict.fromkeys(PersonTable, "address1_city"), "direction": BOTH},
    {"spotler": "profileField2", "contact": "address3_city", "direction": HOME},
    {"spotler": "profileField3", "contact": "address2_city", "direction": BOTH, "blank": "keep"},
    {"spotler": "street", "contact": "address1_line1", "direction": BOTH, "conflict": "spotler"},
    {"spotler": "address2", "contact": "address1_line2", "direction": BOTH, "conflict": "newest"},
    {"spotler": "taal", "contact": "address1_county", "direction": BOTH, "conflict": "ask"},
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose mapping has a two-way row for every kind of column."""
    async with open_both_ways(tmp_path_factory.mktemp("fields"), rows=(*ROWS, *MORE_ROWS)) as opened:
        for name in (f"{MARK} Holding", f"{MARK} & Zn"):
            await opened.dynamics.bring_in("accounts", {"name": name})
        await opened.dynamics.bring_in("contacts", {"firstname": "Gids", "lastname": MARK})
        yield opened


async def value(world: World, person: Person, name: str) -> Any:
    """What Spotler has; None if that is nothing."""
    contact = await world.in_spotler(person)
    return contact["properties"].get(name)


# ---------------------------------------------------------------------------------------------------------- every kind

KINDS = [
    # property, what somebody writes in Spotler, column, what Dynamics shows then
    (NICKNAME, f"{MARK}je", "new_nickname", f"{MARK}je"),
    ("story", f"{MARK} & co\n<regel> “twee”", "new_story", f"{MARK} & co\n<regel> “twee”"),
    ("freeField1", 98712345, "new_visits", 98712345),
    ("ratio", "9871234.25", "new_ratio", 9871234.25),
    ("weight", "9871234,5", "new_weight", 9871234.5),
    ("spent", "9871234.50", "new_spent", 9871234.5),
    ("vip", "ja", "new_vip", True),
    ("vip", "Nee", "new_vip", False),
    ("colour", "groen", "new_colour", 2),
    ("topics", [{"bit": 1, "enabled": True}, {"bit": 4, "enabled": True}], "new_topics", "1,3"),
    ("since", BIRTHDATE, "new_since", BIRTHDATE),
    ("localDay", BIRTHDATE, "new_localday", "1971-03-16T23:00:00Z"),  # midnight in Amsterdam
    ("moment", f"{BIRTHDATE}T12:30:00+01:00", "new_moment", f"{BIRTHDATE}T11:30:00Z"),
    ("wall", f"{BIRTHDATE}T12:30:00+01:00", "new_wall", f"{BIRTHDATE}T12:30:00Z"),
    ("gender", "M", "gendercode", 1),
]


@pytest.mark.parametrize(("name", "written", "column", "shown"), thinned(KINDS, quick=5))
async def test_s2d_02_a_value_of_each_kind_of_column_comes_home_converted(
    both: World, name: str, written: Any, column: str, shown: Any
) -> None:
    person = await both.synchronised()
    await edit(both, person, **{name: written})

    await poll(both)

    assert await stored(both, person, column) == shown
    assert (await both.status_now(person)).status is SyncStatus.SUCCEEDED
    await nothing_more(both)


@pytest.mark.parametrize(("first", "second", "shown"), [("vip", "ja nee", "Nee"), ("colour", "groen rood", "Rood")])
async def test_a_value_that_dynamics_says_in_its_own_words_can_be_changed_in_spotler_again(
    both: World, first: str, second: str, shown: str
) -> None:
    person = await both.synchronised()
    for written in second.split():
        await edit(both, person, **{first: written})
        await poll(both)

    assert await value(both, person, first) == shown
    await nothing_more(both)


@pytest.mark.parametrize(("name", "column", "other", "there"), thinned([
    (NICKNAME, "new_nickname", f"{MARK}tje", f"{MARK}tje"),
    ("freeField1", "new_visits", 987123450, 987123450),
    ("spent", "new_spent", 9871234.75, "9871234.75"),
    ("vip", "new_vip", True, "Ja"),
    ("colour", "new_colour", 1, "Rood"),
    ("since", "new_since", BIRTHDATE, BIRTHDATE),
    ("moment", "new_moment", f"{BIRTHDATE}T11:30:00Z", None),
    ("wall", "new_wall", f"{BIRTHDATE}T12:30:00Z", None),
], quick=4))  # fmt: skip
async def test_c_44_a_later_change_in_dynamics_is_sent_once_and_not_written_back(
    both: World, name: str, column: str, other: Any, there: Any
) -> None:
    person = await both.synchronised()

    await both.change(person, **{column: other})

    contact = await both.in_spotler(person, lambda contact: name in contact["properties"])
    assert there in {None, contact["properties"][name]}
    await nothing_more(both)
    assert await stored(both, person, column) == other


async def test_s2d_02_the_name_of_a_row_becomes_a_lookup_and_the_name_of_a_customer_too(both: World) -> None:
    person = await both.synchronised()
    await edit(both, person, guide=f"gids {MARK}", organisation=f"{MARK} & Zn")

    await poll(both)

    row = await both.dynamics.read(f"{person.path}?$expand=new_Guide,parentcustomerid_account")
    assert row["new_Guide"]["fullname"] == f"Gids {MARK}"
    assert row["parentcustomerid_account"]["name"] == f"{MARK} & Zn"
    await nothing_more(both)

    await edit(both, person, guide="", organisation="")
    await poll(both)

    row = await both.dynamics.read(f"{person.path}?$expand=new_Guide,parentcustomerid_account")
    assert (row["new_Guide"], row["parentcustomerid_account"]) == (None, None)
    await nothing_more(both)


# ---------------------------------------------------------------------------------------------------------- directions


async def test_s2d_02_only_rows_of_the_directions_home_and_both_write_to_dynamics(both: World) -> None:
    person = await both.synchronised()
    await edit(both, person, firstName=f"{MARK}a", city=f"{MARK}stad", profileField2=f"{MARK}haven")

    await poll(both)

    assert await stored(both, person, "firstname") == f"Voor{MARK}"  # C-08: `->`
    assert await stored(both, person, "address1_city") == f"{MARK}stad"
    assert await stored(both, person, "address3_city") == f"{MARK}haven"
    assert await value(both, person, "firstName") == f"{MARK}a"  # until Dynamics changes it
    await nothing_more(both)

    await both.change(person, firstname=f"{MARK}b")
    await both.in_spotler(person, lambda contact: contact["properties"]["firstName"] == f"{MARK}b")


async def test_c_08_without_rows_that_lead_home_nothing_but_permissions_comes_back(world_of_defaults: World) -> None:
    person = await world_of_defaults.synchronised()
    before = await world_of_defaults.dynamics.read(person.path)
    await edit(world_of_defaults, person, firstName=f"{MARK}a", city=f"{MARK}stad")

    await poll(world_of_defaults)

    after = await world_of_defaults.dynamics.read(person.path)
    assert {name for name in before if before[name] != after[name]} == set()
    await nothing_more(world_of_defaults)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world_of_defaults(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world with the mapping that is shipped."""
    async with open_both_ways(tmp_path_factory.mktemp("defaults"), rows=()) as opened:
        yield opened


@pytest.mark.parametrize("table", list(PersonTable))
async def test_s2d_02_and_c_16_all_three_tables_get_what_spotler_changed(both: World, table: PersonTable) -> None:
    person = await both.synchronised(table)
    await edit(both, person, city=f"{MARK}stad")

    await poll(both)

    assert await stored(both, person, "address1_city") == f"{MARK}stad"
    await nothing_more(both)


# ----------------------------------------------------------------------------------------------------- both have moved


@pytest.mark.parametrize(
    ("name", "column", "winner"),
    [
        ("city", "address1_city", "dynamics"),
        ("street", "address1_line1", "spotler"),
        ("taal", "address1_county", "nobody"),
    ],
)
async def test_both_sides_changed_a_field_and_the_policy_of_its_row_decides(
    both: World, name: str, column: str, winner: str
) -> None:
    person = await both.synchronised()
    await edit(both, person, **{name: f"{MARK} spotler"})
    await both.slip(person, **{column: f"{MARK} dynamics"})

    await poll(both)

    values = {"dynamics": (f"{MARK} dynamics",) * 2, "spotler": (f"{MARK} spotler",) * 2}
    expected = values.get(winner, (f"{MARK} dynamics", f"{MARK} spotler"))
    assert (await stored(both, person, column), await value(both, person, name)) == expected
    asked = {field for field, decision in (await explained(both, person))["merged"].items() if decision == "asked"}
    assert asked == ({name} if winner == "nobody" else set())
    status = await both.status_now(person)
    assert status is not None
    assert ("make both equal" in status.text) is (winner == "nobody")
    await nothing_more(both)


@pytest.mark.parametrize("last", thinned(["dynamics", "spotler"]))
async def test_the_policy_newest_takes_the_side_that_was_saved_last(both: World, last: str) -> None:
    person = await both.synchronised()
    for side in ("spotler", "dynamics") if last == "dynamics" else ("dynamics", "spotler"):
        await asyncio.sleep(1.01 - datetime.now(UTC).microsecond / 1_000_000)  # both sides tell whole seconds
        if side == "spotler":
            await edit(both, person, address2=f"{MARK} spotler")
        else:
            await both.slip(person, address1_line2=f"{MARK} dynamics")

    await poll(both)

    both_have = (await stored(both, person, "address1_line2"), await value(both, person, "address2"))
    assert both_have == (f"{MARK} {last}",) * 2
    await nothing_more(both)


# --------------------------------------------------------------------------------------------------------------- blank


async def test_an_emptied_field_empties_the_other_side_unless_the_row_keeps_it(both: World) -> None:
    person = await both.synchronised(address2_city=f"{MARK}wijk", new_nickname=f"{MARK}je")
    await edit(both, person, profileField1="", profileField3="")

    await poll(both)

    assert await stored(both, person, "new_nickname") is None
    assert await stored(both, person, "address2_city") == f"{MARK}wijk"
    await nothing_more(both)


async def test_a_first_meeting_fills_both_sides_and_empties_neither(both: World) -> None:
    email = both.address()
    await both.spotler.post("form", {"properties": {"email": email, "city": f"{MARK}stad", "profileField1": MARK}})

    person = await both.save(emailaddress1=email, address1_city=None, new_story=f"{MARK} verhaal")
    await both.in_spotler(person, lambda contact: contact.get("externalId") == person.id)
    await poll(both)

    assert await stored(both, person, "address1_city") == f"{MARK}stad"
    assert await stored(both, person, "new_nickname") == MARK
    assert await value(both, person, "story") == f"{MARK} verhaal"
    await nothing_more(both)


async def test_s2d_04_a_profile_form_that_the_person_fills_in_comes_home(both: World) -> None:
    person = await both.synchronised()
    await both.spotler.post("form", {"properties": {"email": person.email, "profileField1": f"{MARK}je"}})

    await poll(both)

    assert await stored(both, person, "new_nickname") == f"{MARK}je"
    await nothing_more(both)


async def test_a_new_address_that_spotler_knows_better_is_not_lost_on_the_record(both: World) -> None:
    assert PEOPLE[PersonTable.CONTACT].entity_set == "contacts"
    person = await both.synchronised()
    email = both.address()
    await edit(both, person, email=email)

    await poll(both)

    # The default mapping sends addresses one way: Dynamics keeps its own, and says nothing to Spotler until it changes.
    assert await stored(both, person, "emailaddress1") == person.email
    await nothing_more(both)
