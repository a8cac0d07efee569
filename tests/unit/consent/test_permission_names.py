"""A permission renamed in Spotler has its new name in Dataverse (PERM-21); a removed one is reported (PERM-22)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from shared.consent.permission_renames import PermissionNames
from shared.domain.consent.permission_renames import Rename, difference, replaced
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.messages.lane_messages import Lanes, Permissions, read_lane_message
from shared.ports.queue import QueueName
from tests.connector_twin import MAPPING
from tests.contract.clocks import ManualClock
from tests.twins import CrashError, Faults, TwinPlatform, TwinQueue, TwinStore
from tests.twins.consent import TwinPermissionRows, TwinVariables

NIGHT = timedelta(days=1)


def steps(known: dict[str, str], now: dict[str, str]) -> list[tuple[str, str]]:
    return [(rename.old, rename.new) for rename in difference(known, now).renames]


# ------------------------------------------------------------------------------------------------------ what to do


def test_the_same_option_with_another_name_is_a_rename() -> None:
    found = difference({"p:1": "News", "p:2": "Events"}, {"p:1": "Newsletter", "p:2": "Events", "p:4": "Offers"})
    assert found.renames == (Rename("p:1", "News", "Newsletter"),)
    assert (found.removed, found.ambiguous) == ({}, ())


def test_a_name_is_free_before_another_permission_gets_it() -> None:
    known = {"p:1": "A", "p:2": "B", "p:4": "C"}
    assert steps(known, {"p:1": "B", "p:2": "C", "p:4": "D"}) == [("C", "D"), ("B", "C"), ("A", "B")]


def test_names_that_change_places_never_meet() -> None:
    assert steps({"p:1": "A", "p:2": "B"}, {"p:1": "B", "p:2": "A"}) == [
        ("A", "B (p:1)"),
        ("B", "A"),
        ("B (p:1)", "B"),
    ]


def test_an_option_that_is_gone_is_removed_unless_another_one_has_its_name_now() -> None:
    known = {"p:1": "News", "p:2": "Events"}
    assert difference(known, {"p:2": "Events"}).removed == {"p:1": "News"}
    assert difference(known, {"p:2": "Events", "p:4": " NEWS "}).removed == {}


@pytest.mark.parametrize(
    ("known", "now"),
    [
        ({"p:1": "News", "p:2": "news"}, {"p:1": "Newsletter", "p:2": "news"}),
        ({"p:1": "News", "p:2": "Events"}, {"p:1": "Events", "p:2": "events"}),
    ],
)
def test_rows_that_cannot_be_distinguished_stay(known: dict[str, str], now: dict[str, str]) -> None:
    assert difference(known, now).renames == ()
    assert "p:1" in difference(known, now).ambiguous


def test_another_spelling_is_shown_too() -> None:
    assert steps({"p:1": "newsletter"}, {"p:1": "Newsletter"}) == [("newsletter", "Newsletter")]


def test_a_list_of_names_follows_and_the_rest_stays_as_it_was_typed() -> None:
    renames = [Rename("p:1", "News", "Newsletter"), Rename("p:2", "A", "B;C")]
    assert replaced("[All]; news ;Other;A;", renames, ";") == "[All];Newsletter;Other;A;"


# ------------------------------------------------------------------------------------------------------- the nights


class World:
    """An account whose permissions a test renames, and rows in Dataverse."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.faults = Faults()
        self.store = TwinStore(Faults())
        self.queue = TwinQueue(self.clock)
        self.rows = TwinPermissionRows(self.clock, self.faults)
        self.variables = TwinVariables(dh_spotlerpermissionsenabledbydefault="[All];Newsletter")
        self.platform = TwinPlatform(PropertyCatalogue())
        self.spotler(Newsletter=1, Events=2)
        self.names = self.start()

    def start(self) -> PermissionNames:
        return PermissionNames(
            rows=self.rows,
            variables=self.variables,
            platform=self.platform,
            lanes=Lanes(self.queue),
            store=self.store,
            clock=self.clock,
            mapping=MAPPING,
            environment="test",
            prefix="dh",
        )

    def spotler(self, **bits: int) -> None:
        entries = tuple(SetEntry(bit, label) for label, bit in bits.items())
        self.platform.catalogue = PropertyCatalogue(
            (
                PropertyDefinition("permissions", "Permissions", PropertyType.SET, entries),
                PropertyDefinition("hobbies", "Hobbies", PropertyType.SET, (SetEntry(1, f"Reading {len(bits)}"),)),
            )
        )

    async def night(self) -> int:
        self.clock.advance(NIGHT)
        await self.names.check()
        return await self.names.continue_renames()

    def looked_at(self) -> list[int]:
        found: list[int] = []
        for waiting in self.queue.waiting:
            assert waiting.lane is QueueName.BULK
            message = read_lane_message(waiting.message.body)
            assert isinstance(message, Permissions)
            found += [one.int for one in message.permissions]
        return found


@pytest.fixture
async def world() -> World:
    opened = World()
    opened.rows.add("Newsletter", "Events", "Newsletter", "newsletter")
    await opened.night()
    opened.clock.advance(timedelta(hours=1))
    return opened


async def test_perm_21_rows_have_the_new_name_the_next_morning(world: World) -> None:
    world.spotler(News=1, Events=2)
    assert await world.night() == 3
    assert world.rows.names() == ["News", "Events", "News", "News"]
    assert await world.night() == 0


async def test_a_rename_does_not_wait_for_the_night(world: World) -> None:
    world.clock.advance(timedelta(minutes=5))
    world.spotler(News=1, Events=2)
    assert await world.names.continue_renames() == 3
    world.rows.requests = 0
    assert await world.names.continue_renames() == 0
    assert world.rows.requests == 0


async def test_a_process_that_has_the_old_names_still_does_not_bring_them_back(world: World) -> None:
    world.spotler(News=1, Events=2)
    await world.night()
    world.spotler(Newsletter=1, Events=2)  # what another process read an hour ago
    world.clock.advance(timedelta(minutes=59))
    assert await world.names.continue_renames() == 0
    await world.names.check()
    assert await world.names.continue_renames() == 0
    assert set(world.rows.names()) == {"News", "Events"}


async def test_the_first_night_only_remembers(world: World) -> None:
    fresh = World()
    fresh.rows.add("Old name")
    assert await fresh.night() == 0
    assert fresh.rows.names() == ["Old name"]


async def test_names_that_change_places_take_their_rows_along(world: World) -> None:
    world.spotler(Events=1, Newsletter=2)
    await world.night()
    assert world.rows.names() == ["Events", "Newsletter", "Events", "Events"]


async def test_rows_that_a_new_permission_with_an_old_name_got_meanwhile_are_its_own(world: World) -> None:
    world.spotler(**{"News 2025": 1, "Events": 2, "Newsletter": 4})
    world.rows.add("Newsletter")
    await world.night()
    assert world.rows.names() == ["News 2025", "Events", "News 2025", "News 2025", "Newsletter"]


async def test_a_change_of_spelling_ends(world: World) -> None:
    world.spotler(NEWSLETTER=1, Events=2)
    assert await world.night() == 3
    assert world.rows.names() == ["NEWSLETTER", "Events", "NEWSLETTER", "NEWSLETTER"]


@pytest.mark.parametrize("moment", range(12))
async def test_any_number_of_rows_and_a_crash_anywhere(world: World, moment: int) -> None:
    world.rows.add(*["Newsletter"] * 2500)
    world.spotler(News=1, Events=2)
    world.clock.advance(NIGHT)
    await world.names.check()
    world.faults.plan(moment, CrashError())
    try:
        await world.names.continue_renames()
    except CrashError:
        world.names = world.start()
        world.faults.planned.clear()
        await world.names.continue_renames()
    assert sorted(set(world.rows.names())) == ["Events", "News"]
    assert (await world.names.state())["renaming"] == []


async def test_a_change_of_spelling_of_any_number_of_rows_ends(world: World) -> None:
    world.rows.add(*["Newsletter"] * 2500)
    world.spotler(NEWSLETTER=1, Events=2)
    assert await world.night() == 2503
    assert sorted(set(world.rows.names())) == ["Events", "NEWSLETTER"]


async def test_a_run_ends_in_time_and_the_next_one_continues(world: World) -> None:
    world.rows.add(*["Newsletter"] * 4000)
    world.spotler(News=1, Events=2)
    world.clock.advance(NIGHT)
    await world.names.check()

    rename = world.rows.rename

    async def slowly(ids: Sequence[UUID], name: str) -> frozenset[UUID]:
        refused = await rename(ids, name)
        world.clock.advance(timedelta(seconds=70))
        return refused

    world.rows.rename = slowly  # type: ignore[method-assign]
    counts = [await world.names.continue_renames() for _ in range(4)]
    assert counts == [2000, 2000, 3, 0]


async def test_rows_that_dataverse_refuses_to_rename_hold_up_nothing_and_are_tried_again_the_next_night(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    rows = world.rows.add(*["Newsletter"] * 1500)
    world.rows.protected = {rows[0], rows[1400]}
    await world.night()
    world.spotler(News=1, Events=2)
    with caplog.at_level(logging.WARNING):
        assert await world.night() == 1501
    assert [f"{row} of permission permissions:1" in caplog.text for row in (rows[0], rows[1400])] == [True, True]
    assert (await world.names.state())["renaming"] == []
    assert (await world.names.state())["refusedInDataverse"] == ["permissions:1"]

    world.spotler(News=1, Meetings=2)
    assert await world.night() == 1
    assert world.rows.names().count("Newsletter") == 2

    world.rows.protected.clear()
    world.spotler(News=1, Meetings=2, Newsletter=4)
    (younger,) = world.rows.add("Newsletter")
    assert await world.night() == 2
    assert [row.id for row in world.rows.rows.values() if row.name == "Newsletter"] == [younger]
    assert (await world.names.state())["refusedInDataverse"] == []


async def test_a_rename_that_dataverse_refuses_altogether_ends(world: World) -> None:
    world.rows.protected = set(world.rows.add(*["Newsletter"] * 2500))
    world.spotler(News=1, Events=2)
    assert await world.night() == 3
    assert (await world.names.state())["refusedInDataverse"] == ["permissions:1"]


async def test_the_person_of_a_row_changed_under_an_unknown_name_is_synchronised_again(world: World) -> None:
    world.spotler(News=1, Events=2)
    (third,) = [row.id for row in world.rows.rows.values()][2:3]
    world.rows.touch(third)
    await world.night()
    assert world.looked_at() == [third.int]
    assert all(one.due > world.clock.now() for one in world.queue.waiting)


async def test_env_14_the_variable_of_enabled_permissions_follows_so_that_an_exception_does_not_lapse(
    world: World,
) -> None:
    world.spotler(News=1, Events=2)
    await world.night()
    assert world.variables.values["dh_spotlerpermissionsenabledbydefault"] == "[All];News"


async def test_perm_22_a_removed_permission_is_reported_until_its_rows_are_gone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.spotler(Newsletter=1)
    with caplog.at_level(logging.WARNING):
        await world.night()
    assert world.rows.names().count("Events") == 1
    assert caplog.messages == [
        "permission permissions:2 was removed from Spotler; its rows in Dataverse are to be removed by hand"
    ]
    assert (await world.names.state())["removedInSpotler"] == ["permissions:2"]
    await world.night()
    assert (await world.names.state())["removedInSpotler"] == ["permissions:2"]
    for identifier in [row.id for row in world.rows.rows.values() if row.name == "Events"]:
        del world.rows.rows[identifier]
    await world.night()
    assert (await world.names.state())["removedInSpotler"] == []


async def test_an_account_that_shows_nothing_tonight_has_not_removed_everything(world: World) -> None:
    world.platform.catalogue = PropertyCatalogue()
    await world.night()
    assert await world.names.state() == {"renaming": [], "refusedInDataverse": [], "removedInSpotler": []}


async def test_other_set_properties_are_none_of_its_business(world: World) -> None:
    world.rows.add("Reading 2")
    world.spotler(Newsletter=1, Events=2, Offers=4)
    await world.night()
    assert "Reading 2" in world.rows.names()


async def test_a_property_that_is_not_mapped_any_more_was_not_removed(world: World) -> None:
    document = {"version": 1, "rows": [{"spotler": "email", "contact": "emailaddress1"}]}
    mapping = read_mapping(document)
    world.names._properties = frozenset(row.property_name for row in mapping.rows)
    await world.night()
    assert (await world.names.state())["removedInSpotler"] == []


async def test_without_a_change_the_night_costs_no_request_to_dataverse(world: World) -> None:
    world.rows.requests = 0
    await world.night()
    assert world.rows.requests == 0


async def test_rows_that_were_refused_do_not_take_those_of_another_permission_along(world: World) -> None:
    (refused,) = [row.id for row in world.rows.rows.values()][:1]
    world.rows.protected = {refused}
    world.spotler(News=1, Newsletter=2)
    await world.night()
    world.rows.protected.clear()
    assert await world.night() == 1
    assert world.rows.names() == ["News", "Newsletter", "News", "News"]


async def test_a_refused_row_gets_the_name_that_its_permission_has_by_then(world: World) -> None:
    (refused,) = [row.id for row in world.rows.rows.values()][:1]
    world.rows.protected = {refused}
    world.spotler(News=1, Events=2)
    await world.night()
    world.rows.protected.clear()
    world.spotler(Letters=1, Events=2)
    await world.night()
    assert world.rows.names() == ["Letters", "Events", "Letters", "Letters"]
