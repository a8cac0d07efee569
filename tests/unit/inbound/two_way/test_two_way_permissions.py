"""Permissions that change in Spotler, permissions of new records, and rows of permissions that are deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.domain.consent.permission_defaults import PermissionDefault
from tests.connector_twin import ConnectorTwin, person
from tests.unit.inbound.two_way.exchanging import met, ping_pong, subscribed, two_way


async def test_perm_06_a_permission_withdrawn_in_spotler_is_withdrawn_in_dataverse_and_one_given_is_given() -> None:
    twin, ann = await met()
    twin.platform.edit(twin.contact_of("ann@example.com"), options={"permissions:1": False, "permissions:2": True})

    await twin.poll()

    assert subscribed(twin, ann) == {"Newsletter": False, "Events": True}
    assert await ping_pong(twin) == 0


async def test_perm_15_a_record_without_rows_gets_rows_of_spotlers_permissions_and_the_defaults() -> None:
    twin = ConnectorTwin(two_way())
    twin.defaults = (PermissionDefault("Newsletter", subscribed=False), PermissionDefault("Events", subscribed=True))
    known = twin.platform.sign_up("ann@example.com")
    twin.platform.edit(known, options={"permissions:1": True})
    twin.clock.advance(timedelta(days=1))
    ann = twin.crm.create(**person(address1_city=None, new_hobby=None))

    await twin.sync(ann)

    assert subscribed(twin, ann) == {"Newsletter": True, "Events": False}  # an existing contact keeps its answers
    assert twin.contact_of("ann@example.com").options == {"permissions:1": True}


async def test_env_12_a_new_person_gets_the_permissions_with_their_defaults() -> None:
    twin = ConnectorTwin(two_way())
    twin.defaults = (PermissionDefault("Newsletter", subscribed=False), PermissionDefault("Events", subscribed=True))
    ann = twin.crm.create(**person(address1_city=None, new_hobby=None))

    await twin.sync(ann)

    assert subscribed(twin, ann) == {"Newsletter": False, "Events": True}
    assert twin.contact_of("ann@example.com").options == {"permissions:2": True}
    assert await ping_pong(twin) == 0


async def test_a_deleted_permission_row_withdraws_the_permission() -> None:
    twin, ann = await met()
    record = twin.crm.people[ann]
    twin.crm.people[ann] = replace(record, permissions=tuple(row for row in record.permissions if row.name == "Events"))

    await twin.sync(ann)

    assert twin.contact_of("ann@example.com").options["permissions:1"] is False
    assert await ping_pong(twin) == 0
