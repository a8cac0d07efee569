"""The brake on ends without erasure, on permissions that nobody refuses, and on values that a new mapping empties."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.mapping.language.expression import Column, MapTo, OptionSource
from shared.domain.mapping.model import Direction, MappingRow
from shared.domain.planning.binding import MassChange
from shared.domain.planning.rules import EndAction
from shared.domain.records.records import PermissionRow, PersonTable
from shared.domain.recovery.mass_changes import recast_properties
from tests.connector_twin import MAPPING, NEWSLETTER, ConnectorTwin, rules
from tests.unit.engine.guards.brake_acts import (
    CHANGES,
    crowd,
    deactivate,
    night,
    remove_rows,
    resync,
    subscribed,
    subscribers,
)

# ------------------------------------------------------------------------------------------------ ends without erasure


async def test_very_many_ends_that_only_unsubscribe_are_held_as_such() -> None:
    twin = ConnectorTwin(rules(on_inactive=EndAction.PERMISSIONS_OFF), change_limit=2)
    people = await crowd(twin, 4, permissions={"Newsletter": True})
    deactivate(twin, *people)

    await twin.sync(*people)
    await night(twin)

    assert [contact.options[NEWSLETTER] for contact in twin.platform.contacts].count(True) == 2
    assert [twin.status_of(key)[1] for key in people].count("mass-unsubscription") == 2
    await twin.release.begin([MassChange.UNSUBSCRIPTION], hours=1)
    await twin.quiet()
    assert [contact.options[NEWSLETTER] for contact in twin.platform.contacts].count(True) == 0


# ------------------------------------------------------------------------------------- permissions that nobody refuses


async def test_permissions_whose_rows_are_missing_from_very_many_records_are_held() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    await remove_rows(twin, *people)

    await night(twin)
    await night(twin)

    assert subscribed(twin) == len(people) - CHANGES
    assert (await twin.brake.state())["unsubscription"]["held"] == 3


async def test_other_changes_of_a_held_record_are_sent_and_the_record_names_what_is_held() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    await remove_rows(twin, *people)
    await twin.sync(*people)

    for number, key in enumerate(people):
        twin.crm.edit(key, firstname=f"Anna{number}")
    await twin.sync(*people)

    assert {contact.values["firstName"] for contact in twin.platform.contacts} == {f"Anna{n}" for n in range(5)}
    told = [twin.crm.people[key].status for key in people]
    assert sum("an administrator must decide" in one.reason for one in told if one) == 3


@pytest.mark.parametrize("change", [{"emailaddress1": "no address"}, {"statecode": 1}])
async def test_missing_rows_of_records_that_are_not_sent_are_held_as_well(change: dict[str, Any]) -> None:
    twin = ConnectorTwin(rules(on_inactive=EndAction.NOTHING), change_limit=CHANGES)
    people = await subscribers(twin)
    await remove_rows(twin, *people)
    for key in people:
        twin.crm.edit(key, **change)

    for _ in range(3):
        await night(twin)

    assert subscribed(twin) == len(people) - CHANGES
    assert (await twin.brake.state())["unsubscription"]["held"] == 3


async def test_rows_that_are_there_again_lift_the_hold() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    records = dict(twin.crm.people)
    await remove_rows(twin, *people)
    await twin.sync(*people)
    twin.crm.people.update(records)

    await twin.sync(*people)

    assert (await twin.brake.state())["unsubscription"]["held"] == 0


async def test_missing_rows_that_are_released_switch_the_permissions_off() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    await remove_rows(twin, *people)
    await twin.sync(*people)

    await twin.release.begin([MassChange.UNSUBSCRIPTION], hours=1)
    await twin.quiet()

    assert subscribed(twin) == 0


async def test_a_list_that_is_kept_as_a_permission_and_is_suddenly_empty_unsubscribes_nobody_beyond_the_limit() -> None:
    rows = tuple(row for row in MAPPING.rows if row.property_name != "permissions")
    listed = MappingRow("permissions", dict.fromkeys(PersonTable, MapTo(OptionSource.LIST)), Direction.BOTH)
    twin = ConnectorTwin(rules(mapping=replace(MAPPING, rows=(*rows, listed))), change_limit=CHANGES)
    people = await crowd(twin, 5)
    for key in people:
        twin.crm.people[key] = replace(twin.crm.people[key], lists=(PermissionRow("Newsletter", subscribed=True),))
    await twin.sync(*people)
    assert subscribed(twin) == 5
    for key in people:
        twin.crm.people[key] = replace(twin.crm.people[key], lists=(PermissionRow("Newsletter", subscribed=False),))

    await twin.sync(*people)
    await night(twin)

    assert subscribed(twin) == 3


@pytest.mark.parametrize("refusal", ["a row that says no", "do not bulk email"])
async def test_refusals_travel_however_many_they_are(refusal: str) -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    for key in people:
        if refusal == "do not bulk email":
            twin.crm.edit(key, donotbulkemail=True)
        else:
            twin.crm.permit(key, Newsletter=False)

    await twin.sync(*people)

    assert subscribed(twin) == 0


async def test_do_not_bulk_email_travels_while_missing_rows_are_held() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await subscribers(twin)
    await remove_rows(twin, *people)
    await twin.sync(*people)
    for key in people:
        twin.crm.edit(key, donotbulkemail=True)

    await twin.sync(*people)

    assert subscribed(twin) == 0
    assert (await twin.brake.state())["unsubscription"]["held"] == 0


# ------------------------------------------------------------------------------- values that a new mapping would empty


async def test_values_that_a_changed_row_of_the_mapping_empties_are_held() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await crowd(twin, 5, address1_city="Gouda")
    other = [
        replace(row, sources=dict.fromkeys(PersonTable, Column("nickname"))) if row.property_name == "city" else row
        for row in MAPPING.rows
    ]
    mapping = replace(MAPPING, rows=tuple(other))
    twin.rules = rules(mapping=mapping, recast=recast_properties(MAPPING, mapping))
    twin.worker = twin.start_worker()
    for key in people:
        twin.crm.edit(key, nickname=None)

    await resync(twin)
    await night(twin)

    assert [contact.values.get("city") for contact in twin.platform.contacts].count("Gouda") == 3
    await twin.release.begin([MassChange.BLANKING], hours=1)
    await twin.quiet()
    assert [contact.values.get("city") for contact in twin.platform.contacts].count("Gouda") == 0


async def test_values_that_users_empty_are_sent_however_many_they_are() -> None:
    twin = ConnectorTwin(change_limit=CHANGES)
    people = await crowd(twin, 5, address1_city="Gouda")
    for key in people:
        twin.crm.edit(key, address1_city=None)

    await twin.sync(*people)

    assert [contact.values.get("city") for contact in twin.platform.contacts].count("Gouda") == 0


def test_a_property_is_recast_that_another_row_or_none_fills() -> None:
    fewer = replace(MAPPING, rows=MAPPING.rows[:-1])
    commented = replace(MAPPING, rows=tuple(replace(row, comment="why") for row in MAPPING.rows))

    assert recast_properties(MAPPING, fewer) == {"permissions"}
    assert recast_properties(MAPPING, commented) == frozenset()
