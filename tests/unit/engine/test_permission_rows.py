"""A Spotler Permission row whose name changes: by hand that withdraws the permission, after a rename it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.domain.mapping.formats.document import read_mapping
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.domain.records.records import PermissionRow, RecordKey
from tests.connector_twin import CATALOGUE, NEWSLETTER, RULES, ConnectorTwin, person

UNKNOWN = "Nieuwsbrief"
"""A name that no permission of the account has."""


def mapped(direction: str) -> Rules:
    """Permissions in a direction, and nothing else that is written back."""
    rows: list[dict[str, Any]] = [
        {"spotler": "email", "contact": "emailaddress1"},
        {"spotler": "permissions", "contact": "@map(permissions)", "direction": direction},
    ]
    return replace(RULES, mapping=read_mapping({"version": 1, "rows": rows}))


async def subscribed(direction: str = "<->", **permissions: bool) -> tuple[ConnectorTwin, RecordKey]:
    """A connector that has stored the names of permissions, and a subscriber with a contact and a record."""
    twin = ConnectorTwin(mapped(direction))
    await twin.permission_names.check()
    ann = twin.crm.create(**person(permissions=permissions or {"Newsletter": True, "Events": False}))
    await twin.sync(ann)
    assert option(twin) is True
    twin.clock.advance(timedelta(hours=2))
    return twin, ann


def option(twin: ConnectorTwin, name: str = NEWSLETTER) -> bool | None:
    return twin.contact_of("ann@example.com").options.get(name)


def rename_row(twin: ConnectorTwin, key: RecordKey, old: str, new: str) -> None:
    record = twin.crm.people[key]
    rows = tuple(replace(row, name=new) if row.name == old else row for row in record.permissions)
    twin.crm.people[key] = replace(record, permissions=rows)


def set_row(twin: ConnectorTwin, key: RecordKey, name: str, *, to: bool) -> None:
    record = twin.crm.people[key]
    rows = tuple(replace(row, subscribed=to) if row.name == name else row for row in record.permissions)
    twin.crm.people[key] = replace(record, permissions=rows)


def rename_in_spotler(twin: ConnectorTwin, **labels: int) -> None:
    """Give the account's permissions other labels; every process reads them from now on."""
    entries = tuple(SetEntry(bit, label) for label, bit in labels.items())
    others = [one for one in CATALOGUE.definitions if one.name != "permissions"]
    permissions = PropertyDefinition("permissions", "Permissions", PropertyType.SET, entries)
    twin.platform.catalogue = PropertyCatalogue((*others, permissions))


@pytest.mark.parametrize("direction", ["<->", "->"])
async def test_a_row_renamed_by_hand_to_an_unknown_name_withdraws_the_permission_like_a_deleted_row(
    direction: str,
) -> None:
    twin, ann = await subscribed(direction)
    rename_row(twin, ann, "Newsletter", UNKNOWN)

    await twin.sync(ann)

    assert option(twin) is False


async def test_spotler_status_reports_an_unknown_name_of_a_row_until_it_is_corrected() -> None:
    twin, ann = await subscribed()
    rename_row(twin, ann, "Newsletter", UNKNOWN)
    await twin.sync(ann)
    status = twin.crm.people[ann].status
    assert status is not None
    assert "Left out: Spotler Permission: Spotler's permissions expects a name" in status.reason
    assert UNKNOWN not in status.reason

    rename_row(twin, ann, UNKNOWN, "Newsletter")
    await twin.sync(ann)

    status = twin.crm.people[ann].status
    assert status is not None
    assert "Left out" not in status.reason
    assert option(twin) is True


async def test_a_new_record_with_an_unknown_name_of_a_row_reports_it_as_well() -> None:
    twin = ConnectorTwin(mapped("->"))
    ann = twin.crm.create(**person(permissions={UNKNOWN: True}))
    await twin.sync(ann)
    status = twin.crm.people[ann].status
    assert status is not None
    assert "Left out: Spotler Permission" in status.reason


async def test_the_withdrawal_stands_whatever_the_renamed_row_says() -> None:
    twin, ann = await subscribed()
    rename_row(twin, ann, "Newsletter", UNKNOWN)
    await twin.sync(ann)
    for answer in (False, True):
        set_row(twin, ann, UNKNOWN, to=answer)
        await twin.sync(ann)
        await twin.poll()
        assert option(twin) is False
    assert [row.name for row in twin.crm.people[ann].permissions] == [UNKNOWN, "Events"]


async def test_explain_shows_the_withdrawal() -> None:
    twin, ann = await subscribed()
    rename_row(twin, ann, "Newsletter", UNKNOWN)
    planned = (await twin.explain.record(ann))["plan"]
    assert planned["properties"]["permissions"] == [{"bit": 1, "enabled": False}]
    assert planned["leftOut"] != []


async def test_a_row_without_a_known_name_that_was_there_before_keeps_no_permission_on() -> None:
    """The row of a permission that was removed from Spotler long ago concerns no other permission."""
    twin, ann = await subscribed(Newsletter=True, Removed=True)
    record = twin.crm.people[ann]
    twin.crm.people[ann] = replace(
        record, permissions=tuple(row for row in record.permissions if row.name == "Removed")
    )

    await twin.sync(ann)

    assert option(twin) is False


# ------------------------------------------------------------------------------------------------- renamed in Spotler


async def test_perm_21_an_unnoticed_rename_in_spotler_withdraws_nothing() -> None:
    twin, ann = await subscribed()
    rename_in_spotler(twin, News=1, Events=2)

    await twin.sync(ann)
    await twin.poll()

    assert option(twin) is True
    assert "changed" not in (await twin.explain.record(ann))["plan"]


@pytest.mark.parametrize("direction", ["<->", "->"])
async def test_perm_21_while_rows_get_their_new_name_nothing_is_withdrawn_even_after_a_restart(direction: str) -> None:
    twin, ann = await subscribed(direction)
    rename_in_spotler(twin, News=1, Events=2)
    await twin.permission_names.check()
    twin.worker = twin.start_worker()

    await twin.sync(ann)

    assert option(twin) is True


async def test_perm_21_a_row_that_was_read_just_before_it_got_its_new_name_withdraws_nothing() -> None:
    twin, ann = await subscribed()
    rename_in_spotler(twin, News=1, Events=2)
    await twin.permission_names.continue_renames()  # all rows are done, as far as it can see
    assert (await twin.permission_names.state())["renaming"] == []

    await twin.sync(ann)  # it was read before

    assert option(twin) is True


async def test_perm_21_a_process_with_the_old_names_takes_the_new_ones_for_no_deletion() -> None:
    twin, ann = await subscribed()
    rename_in_spotler(twin, News=1, Events=2)
    await twin.permission_names.continue_renames()
    rename_row(twin, ann, "Newsletter", "News")
    rename_in_spotler(twin, Newsletter=1, Events=2)  # as it was read up to an hour ago

    await twin.sync(ann)

    assert option(twin) is True


async def test_a_row_that_dataverse_refused_to_rename_keeps_its_permission() -> None:
    twin, ann = await subscribed()
    twin.permission_rows.protected = {*twin.permission_rows.add("Newsletter")}
    rename_in_spotler(twin, News=1, Events=2)
    await twin.permission_names.continue_renames()
    assert (await twin.permission_names.state())["refusedInDataverse"] == [NEWSLETTER]
    twin.clock.advance(timedelta(days=2))

    await twin.sync(ann)

    assert option(twin) is True


async def test_rows_that_dataverse_refused_in_masses_keep_their_permissions_for_good() -> None:
    twin, ann = await subscribed()
    twin.permission_rows.protected = {*twin.permission_rows.add(*["Newsletter"] * 300)}
    rename_in_spotler(twin, News=1, Events=2)
    await twin.permission_names.continue_renames()
    twin.permission_rows.protected.clear()
    for _ in range(3):
        twin.clock.advance(timedelta(days=1))
        await twin.permission_names.check()
        await twin.permission_names.continue_renames()

    await twin.sync(ann)

    assert option(twin) is True


async def test_permissions_that_share_their_name_withdraw_nothing_for_as_long_as_they_do() -> None:
    twin, ann = await subscribed(Newsletter=True, Events=True)
    rename_in_spotler(twin, Events=1)
    others = twin.platform.catalogue.definitions
    shared = (SetEntry(1, "Events"), SetEntry(2, "Events"))
    permissions = PropertyDefinition("permissions", "Permissions", PropertyType.SET, shared)
    twin.platform.catalogue = PropertyCatalogue((*others[:-1], permissions))
    for _ in range(3):
        twin.clock.advance(timedelta(days=1))
        await twin.permission_names.check()
        await twin.sync(ann)
    assert (option(twin), option(twin, "permissions:2")) == (True, True)


async def test_two_permissions_that_change_names_withdraw_nothing_before_their_rows_follow() -> None:
    twin, ann = await subscribed(Newsletter=True)
    rename_in_spotler(twin, Events=1, Newsletter=2)
    await twin.sync(ann)
    assert option(twin) is True


async def test_after_a_rename_is_complete_a_row_with_the_former_name_keeps_nothing_on() -> None:
    twin, ann = await subscribed()
    rename_in_spotler(twin, News=1, Events=2)
    await twin.permission_names.continue_renames()
    rename_row(twin, ann, "Newsletter", "News")
    await twin.sync(ann)
    for _ in range(2):
        twin.clock.advance(timedelta(days=1))
        await twin.permission_names.check()
    rename_row(twin, ann, "News", "Newsletter")

    await twin.sync(ann)

    assert option(twin) is False


async def test_before_any_names_were_remembered_nothing_is_concluded_and_they_are_remembered_from_then_on() -> None:
    twin = ConnectorTwin(mapped("<->"))
    ann = twin.crm.create(**person(permissions={"Newsletter": True}))
    await twin.sync(ann)
    rename_row(twin, ann, "Newsletter", UNKNOWN)
    await twin.sync(ann)
    assert option(twin) is True

    await twin.sync(ann)

    assert option(twin) is False


async def test_a_record_that_lacks_no_row_costs_no_reading_of_names() -> None:
    twin, ann = await subscribed()
    key = next(key for key in twin.store.documents if key.partition == "test-permissions")
    del twin.store.documents[key]
    record = twin.crm.people[ann]
    more = PermissionRow(UNKNOWN, subscribed=True, id=uuid4())
    twin.crm.people[ann] = replace(record, permissions=(*record.permissions, more))

    await twin.sync(ann)

    assert key not in twin.store.documents
