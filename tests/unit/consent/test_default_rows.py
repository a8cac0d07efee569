"""PERM-11, ENV-02: a new record gets its permission rows at once, also before it has an address to be mailed at."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.records.records import RecordKey, Why
from tests.connector_twin import ConnectorTwin, person

DEFAULTS = (PermissionDefault("Newsletter", subscribed=True), PermissionDefault("Events", subscribed=False))


def said(twin: ConnectorTwin, key: RecordKey) -> dict[str, bool]:
    return {row.name: row.subscribed for row in twin.crm.people[key].permissions}


async def saved_without_an_address(address: str | None = None) -> tuple[ConnectorTwin, RecordKey]:
    twin = ConnectorTwin()
    twin.defaults = DEFAULTS
    ann = twin.crm.create(**person(emailaddress1=address))
    await twin.sync(ann)
    return twin, ann


@pytest.mark.parametrize("address", [None, "no address at all"])
async def test_perm_11_and_env_02_rows_are_made_before_there_is_a_usable_address(address: str | None) -> None:
    twin, ann = await saved_without_an_address(address)

    assert said(twin, ann) == {"Newsletter": True, "Events": False}
    assert twin.platform.contacts == []


async def test_rows_are_made_once() -> None:
    twin, ann = await saved_without_an_address()
    twin.crm.edit(ann, firstname="Anna")
    await twin.sync(ann)

    assert twin.writebacks.calls["write_back"] == 1


async def test_env_12_the_defaults_count_in_a_contact_that_the_record_makes() -> None:
    twin, ann = await saved_without_an_address()
    twin.crm.edit(ann, emailaddress1="ann@example.com")
    await twin.sync(ann)

    assert said(twin, ann) == {"Newsletter": True, "Events": False}
    assert twin.contact_of("ann@example.com").options["permissions:1"] is True


async def test_perm_15_an_unchanged_default_overrules_no_answer_in_spotler() -> None:
    twin, ann = await saved_without_an_address()
    known = twin.platform.sign_up("ann@example.com")
    twin.platform.edit(known, options={"permissions:1": False, "permissions:2": True})
    twin.clock.advance(timedelta(days=1))
    twin.crm.edit(ann, emailaddress1="ann@example.com")
    await twin.sync(ann)

    assert said(twin, ann) == {"Newsletter": False, "Events": True}
    assert twin.contact_of("ann@example.com").options == {"permissions:1": False, "permissions:2": True}


async def test_perm_17_a_box_that_a_user_ticked_is_evidence() -> None:
    twin, ann = await saved_without_an_address()
    twin.platform.sign_up("ann@example.com")
    twin.clock.advance(timedelta(days=1))
    twin.crm.permit(ann, Events=True)
    twin.crm.edit(ann, emailaddress1="ann@example.com")
    await twin.sync(ann)

    assert said(twin, ann) == {"Newsletter": False, "Events": True}
    assert twin.contact_of("ann@example.com").options["permissions:2"] is True


async def test_without_the_variable_nobody_gets_rows() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(emailaddress1=None))
    await twin.sync(ann)

    assert said(twin, ann) == {}


@pytest.mark.parametrize(
    ("why", "at_once"), [(Why.SAVED, 60), (Why.PERMISSION, 60), (Why.RESYNC, 0), (Why.RECONCILE, 0), (Why.JOB, 0)]
)
async def test_perm_11_a_saved_record_gets_its_rows_at_once_during_many_first_merges(why: Why, at_once: int) -> None:
    """A walk over a table would read a contact for each record; the next poll brings a hundred with one call."""
    twin = ConnectorTwin()
    twin.defaults = (PermissionDefault("Newsletter", subscribed=True),)
    emails = [f"p{number}@example.com" for number in range(60)]
    for email in emails:
        twin.platform.sign_up(email)
    keys = [twin.crm.create(**person(emailaddress1=email)) for email in emails]

    await twin.look(*keys, why=why)

    assert sum(1 for key in keys if twin.crm.people[key].permissions) == at_once
    await twin.poll()
    assert all(twin.crm.people[key].permissions for key in keys), "the poll brings what is left"
    assert len(twin.platform.contacts) == 60
