"""PURGE-01: with PURGE_EXISTING_PROPERTIES_WHEN_NOT_SET Spotler mirrors Dataverse; permissions stay people's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.planning.rules import Unmapped
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.domain.records.records import RecordKey
from tests.connector_twin import CATALOGUE, ConnectorTwin, person, rules

INTERESTS = PropertyDefinition(
    "interests", "Interests", PropertyType.SET, (SetEntry(1, "Sailing"), SetEntry(2, "Chess"))
)
MIRROR = rules(unmapped=Unmapped.CLEAR)


async def mirrored() -> tuple[ConnectorTwin, RecordKey]:
    twin = ConnectorTwin(MIRROR)
    twin.platform.catalogue = PropertyCatalogue((*CATALOGUE.definitions, INTERESTS))
    ann = twin.crm.create(**person(address1_city="Delft", permissions={"Newsletter": True}))
    await twin.sync(ann)
    await twin.poll()
    return twin, ann


async def test_an_empty_column_empties_what_an_existing_contact_holds() -> None:
    twin = ConnectorTwin(MIRROR)
    twin.platform.sign_up("ann@example.com", city="Gouda", hobby="chess")
    ann = twin.crm.create(**person(address1_city=None))

    await twin.sync(ann)

    values = twin.contact_of("ann@example.com").values
    assert "city" not in values
    assert "hobby" not in values


@pytest.mark.parametrize("change", [{"hobby": "chess"}, {"city": "Gouda"}])
async def test_a_value_that_somebody_enters_in_spotler_is_replaced_although_nothing_changed_in_dataverse(
    change: dict[str, str],
) -> None:
    twin, _ = await mirrored()
    twin.platform.edit(twin.contact_of("ann@example.com"), **change)

    await twin.poll()

    values = twin.contact_of("ann@example.com").values
    assert (values.get("hobby"), values["city"]) == (None, "Delft")


async def test_a_list_field_that_is_not_mapped_is_switched_off_and_permissions_are_not() -> None:
    twin, _ = await mirrored()
    twin.platform.edit(twin.contact_of("ann@example.com"), options={"interests:2": True, "permissions:2": True})

    await twin.poll()

    options = twin.contact_of("ann@example.com").options
    assert options["interests:2"] is False
    assert options["permissions:1"] is True
    assert options["permissions:2"] is True


async def test_a_mirror_that_is_switched_on_later_clears_at_the_next_look() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()
    twin.platform.edit(twin.contact_of("ann@example.com"), hobby="chess")
    await twin.poll()
    twin.rules = replace(twin.rules, unmapped=Unmapped.CLEAR)
    twin.worker = twin.start_worker()

    await twin.sync(ann)

    assert "hobby" not in twin.contact_of("ann@example.com").values


async def test_a_mirror_that_agrees_writes_nothing() -> None:
    twin, ann = await mirrored()
    written = len(twin.platform.writes)

    await twin.sync(ann)
    await twin.poll()

    assert len(twin.platform.writes) == written
