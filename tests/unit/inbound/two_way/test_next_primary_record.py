"""When the primary record leaves, joins again or is replaced, the next one keeps its own values."""

from __future__ import annotations

import pytest

from shared.domain.planning.rules import EndAction, Rules
from tests.connector_twin import ConnectorTwin, person
from tests.twins import CrashError
from tests.unit.inbound.two_way.exchanging import ping_pong, value
from tests.unit.inbound.two_way.sharing import ADDRESS, BOTH, LEAD, couple, named, names, spotler


@pytest.mark.parametrize("policy", ["crm", "spotler", "newest", "ask"])
@pytest.mark.parametrize("action", [EndAction.ANONYMIZE, EndAction.NOTHING])
async def test_when_the_primary_user_leaves_the_contact_gets_the_values_of_the_next_one(
    policy: str, action: EndAction
) -> None:
    settings = named(firstName={**BOTH, "conflict": policy})
    twin, ann, ben = await couple(Rules(settings.mapping, settings.fingerprints, on_delete=action))
    twin.crm.delete(ann)

    await twin.sync(ann)
    await twin.poll()

    assert spotler(twin, "firstName") == "Ben"
    assert names(twin, ben) == ["Ben"]
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Bernard")
    await twin.poll()
    assert names(twin, ben) == ["Bernard"]
    assert await ping_pong(twin) == 0


@pytest.mark.parametrize("policy", ["crm", "spotler", "newest", "ask"])
@pytest.mark.parametrize("action", [EndAction.PERMISSIONS_OFF, EndAction.NOTHING])
async def test_a_record_that_joins_after_the_only_user_has_left_takes_none_of_its_values(
    policy: str, action: EndAction
) -> None:
    settings = named(firstName={**BOTH, "conflict": policy})
    twin = ConnectorTwin(Rules(settings.mapping, settings.fingerprints, on_delete=action))
    ann = twin.crm.create(**person(new_hobby=None))
    await twin.sync(ann)
    ben = twin.crm.create(**person(firstname="Ben", new_hobby=None))
    twin.crm.delete(ann)

    await twin.sync(ann)
    await twin.sync(ben)
    await twin.poll()

    assert names(twin, ben) == ["Ben"]
    assert spotler(twin, "firstName") == "Ben"
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Bernard")
    await twin.poll()
    assert names(twin, ben) == ["Bernard"]
    assert await ping_pong(twin) == 0


@pytest.mark.parametrize("moment", range(28))
async def test_the_next_one_keeps_its_values_wherever_a_worker_dies(moment: int) -> None:
    twin, ann, ben = await couple(named(firstName={**BOTH, "conflict": "spotler"}))
    twin.crm.delete(ann)
    twin.faults.plan(2 + moment, CrashError())  # after the message is there

    await twin.sync(ann)
    await twin.poll()

    assert names(twin, ben) == ["Ben"]
    assert spotler(twin, "firstName") == "Ben"


async def test_a_value_of_the_record_that_left_fills_no_empty_column() -> None:
    twin, ann, ben = await couple()
    twin.crm.edit(ben, firstname=None)
    await twin.sync(ben)
    twin.crm.edit(ann, statecode=1)

    await twin.sync(ann)
    await twin.poll()

    assert names(twin, ben) == [None]
    assert spotler(twin, "firstName") == ""
    assert await ping_pong(twin) == 0


async def test_edit_in_spotler_is_written_back_to_the_next_primary_user() -> None:
    twin, ann, ben = await couple(named(firstName={**BOTH, "conflict": "spotler"}))
    twin.crm.edit(ann, emailaddress1="elsewhere@example.com")
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Bernard", hobby="chess")

    await twin.sync(ann)
    await twin.poll()

    assert names(twin, ann, ben) == ["Ann", "Bernard"]
    assert value(twin, ben, "new_hobby") == "chess"
    assert await ping_pong(twin) == 0


async def test_returned_record_is_not_primary_again() -> None:
    twin, ann, ben = await couple()
    twin.crm.edit(ann, donotemail=True)
    await twin.sync(ann)
    twin.crm.edit(ann, donotemail=False, firstname="Anna")

    await twin.sync(ann)
    await twin.poll()

    assert spotler(twin, "firstName") == "Ben"
    assert names(twin, ann, ben) == ["Anna", "Ben"]
    assert await ping_pong(twin) == 0


async def test_record_that_creates_the_contact_again_is_primary_and_empties_nothing() -> None:  # DEL-08
    twin, ann, ben = await couple()
    twin.platform.contacts.clear()
    twin.crm.edit(ben, donotbulkemail=True)  # which is read before it is sent

    await twin.sync(ben)
    await twin.sync(ann)
    await twin.poll()

    assert names(twin, ann, ben) == ["Ann", "Ben"]
    assert spotler(twin, "firstName") == "Ben"
    assert await ping_pong(twin) == 0


async def test_the_contact_of_a_qualified_lead_is_primary_in_its_place() -> None:  # CS-29
    twin = ConnectorTwin(named())
    lead = twin.crm.create(LEAD, **person(new_hobby=None))
    await twin.sync(lead)
    ben = twin.crm.create(**person(firstname="Ben", new_hobby=None))
    await twin.sync(ben)
    contact = twin.crm.qualify(lead)
    await twin.sync(lead, contact)
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Anna")

    await twin.poll()

    assert names(twin, contact, ben) == ["Anna", "Ben"]
    assert await ping_pong(twin) == 0


async def test_a_successor_of_another_user_is_not_primary() -> None:
    twin = ConnectorTwin(named())
    ann = twin.crm.create(**person(new_hobby=None))
    lead = twin.crm.create(LEAD, **person(firstname="Ben", new_hobby=None))
    await twin.sync(ann)
    await twin.sync(lead)
    contact = twin.crm.qualify(lead)
    await twin.sync(lead, contact)
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Anna")

    await twin.poll()

    assert names(twin, ann, contact) == ["Anna", "Ben"]


async def test_records_that_were_bound_by_an_older_version_find_one_primary_user() -> None:
    twin, ann, ben = await couple()
    for document in list(twin.store.documents.values()):
        document.body.pop("primary", None)
    twin.crm.edit(ben, firstname="Bernard")
    twin.crm.edit(ann, firstname="Anna")

    await twin.sync(ben)
    await twin.sync(ann)
    await twin.poll()

    assert spotler(twin, "firstName") == "Anna"
    assert names(twin, ann, ben) == ["Anna", "Bernard"]
