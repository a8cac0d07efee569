"""CS, DEL, VAL: what happens to a record in Dynamics, and what Spotler shows of it."""

from __future__ import annotations

import pytest

from shared.core.records import PersonTable, SyncStatus
from tests.scenario.privacy import BIRTHDATE, MARK, TELEPHONE
from tests.scenario.world import World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")

every_table = pytest.mark.parametrize("table", list(PersonTable))


@every_table
async def test_a_new_record_becomes_a_contact_of_its_type(world: World, table: PersonTable) -> None:
    person = await world.save(table)

    contact = await world.in_spotler(person)

    assert contact["externalId"] == person.id
    assert contact["properties"]["customerType"] == table
    assert contact["properties"]["city"] == f"{MARK}dam"
    assert contact["properties"]["phoneNumber"] == TELEPHONE
    status = await world.status(person, SyncStatus.SUCCEEDED, "created")
    assert status.external_id == person.id


async def test_a_contact_arrives_with_every_field_of_the_default_mapping(world: World) -> None:
    contact = await world.in_spotler(await world.save())

    properties = {name: value for name, value in contact["properties"].items() if name != "interests"}
    assert permissions(contact) == set()
    assert properties.pop("permissions")
    assert properties.pop("email").startswith(MARK.lower())
    assert properties == {
        "firstName": f"Voor{MARK}",
        "infix": f"van {MARK}",
        "lastName": f"Achter{MARK}",
        "gender": "F",
        "birthday": BIRTHDATE,
        "jobTitle": f"{MARK} meester",
        "street": f"{MARK}straat 1",
        "address2": f"{MARK}hof",
        "postalCode": "7531 QX",
        "city": f"{MARK}dam",
        "country": f"{MARK}land",
        "phoneNumber": TELEPHONE,
        "mobileNumber": "06-98712345",
        "customerType": "contact",
    }
