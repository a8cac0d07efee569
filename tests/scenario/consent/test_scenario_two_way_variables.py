"""ENV, PERM-11..PERM-16, C-18..C-20: the permissions of a new record, as two environment variables of Dataverse say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.adapters.dataverse.records.tables import VARIABLE_VALUES, VARIABLES
from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonTable
from tests.examples import thinned
from tests.scenario.two_way import nothing_more, open_both_ways, permission_rows, poll, switch
from tests.scenario.world import Person, World, eventually, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEVER = "0 0 0 1 1 *"
ROWS = {"Newsletter": True, "Productinfo": False, "Offers": True}


async def say(world: World, schema_name: str, value: str) -> None:
    """Give a variable a current value, as an administrator does in the maker portal."""
    (variable,) = (await world.dynamics.read(f"{VARIABLES}?$filter=schemaname eq '{schema_name}'"))["value"]
    identifier = variable["environmentvariabledefinitionid"]
    values = (await world.dynamics.read(VARIABLE_VALUES))["value"]
    for row in values:
        if row["_environmentvariabledefinitionid_value"] == identifier:
            await world.dynamics.change(VARIABLE_VALUES, row["environmentvariablevalueid"], {"value": value})
            return
    bind = {"EnvironmentVariableDefinitionId@odata.bind": f"/{VARIABLES}({identifier})"}
    await world.dynamics.create(VARIABLE_VALUES, {"schemaname": schema_name, "value": value, **bind})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """New records get three permissions, all of which are enabled but Productinfo."""
    folder = tmp_path_factory.mktemp("variables")
    async with open_both_ways(folder, rows=(), PERMISSIONS_SCHEDULE=NEVER, NEW_SUBSCRIBER_TARGET="contact") as opened:
        await say(opened, "dh_spotlerpermissions", "Newsletter;Productinfo;Offers;")
        await say(opened, "dh_spotlerpermissionsenabledbydefault", "[All];Productinfo;")
        yield opened


async def filled(world: World, person: Person, expected: dict[str, bool]) -> None:
    async def look() -> bool:
        return await permission_rows(world, person) == expected

    await eventually(look, f"permission rows of {person.id}")


@pytest.mark.parametrize("table", thinned(list(PersonTable)[::-1]))
async def test_env_01_env_02_env_14_perm_11_perm_12_a_new_record_gets_the_rows_within_seconds(
    both: World, table: PersonTable
) -> None:
    person = await both.save(table)

    await filled(both, person, ROWS)

    await both.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter", "Offers"})
    await nothing_more(both)


async def test_perm_11_sixty_records_whose_addresses_spotler_has_get_their_rows_at_once(both: World) -> None:
    """A list of people from a fair, most of whom have the newsletter: nobody waits for the next poll."""
    emails = [both.address() for _ in range(60)]
    chosen = {"permissions": [{"bit": 1, "enabled": True}]}
    for email in emails:
        await both.spotler.post("form", {"properties": {"email": email, **chosen}})

    people = await asyncio.gather(*(both.save(emailaddress1=email) for email in emails))

    for person in people:
        await filled(both, person, {name: name == "Newsletter" for name in ROWS})

    await nothing_more(both)


async def test_env_04_new_09_a_record_that_spotler_brought_has_what_the_person_chose(both: World) -> None:
    email = both.address()
    await both.spotler.post("form", {"properties": {"email": email, "permissions": [{"bit": 4, "enabled": True}]}})

    await poll(both)

    rows = (await both.dynamics.read(f"contacts?$filter=emailaddress1 eq '{email}'&$select=contactid"))["value"]
    person = Person(PersonTable.CONTACT, rows[0]["contactid"], email)
    assert {name for name, on in (await permission_rows(both, person)).items() if on} == {"Servicenotifications"}
    assert permissions(await both.in_spotler(person)) == {"Servicenotifications"}
    await nothing_more(both)


async def test_a_default_is_a_beginning_and_no_rule(both: World) -> None:
    person = await both.save()
    await filled(both, person, ROWS)
    await switch(both, person, newsletter=False, productinfo=True)

    await poll(both)
    await both.ended(await both.ask(Operation.SYNC_CONTACT, person))

    assert await permission_rows(both, person) == {"Newsletter": False, "Productinfo": True, "Offers": True}
    await nothing_more(both)


async def test_perm_13_perm_23_env_11_c_18_without_the_second_variable_everything_starts_with_a_no(
    both: World,
) -> None:
    await say(both, "dh_spotlerpermissionsenabledbydefault", ";")  # C-20
    await both.connector.restart()  # the variables are read once a minute

    person = await both.save()

    await filled(both, person, dict.fromkeys(ROWS, False))
    assert permissions(await both.in_spotler(person)) == set()
    await nothing_more(both)


async def test_perm_15_perm_16_existing_people_get_them_by_a_job_and_keep_what_spotler_says(both: World) -> None:
    email = both.address()
    await both.bring_in(emailaddress1=email)
    await both.spotler.post("form", {"properties": {"email": email, "permissions": [{"bit": 2, "enabled": True}]}})
    rows = (await both.dynamics.read(f"contacts?$filter=emailaddress1 eq '{email}'&$select=contactid"))["value"]
    person = Person(PersonTable.CONTACT, rows[0]["contactid"], email)

    await both.ended(await both.ask(Operation.SYNC_CONTACT, person))

    await filled(both, person, {"Newsletter": False, "Productinfo": True, "Offers": False})
    assert permissions(await both.in_spotler(person)) == {"Productinfo"}
    await nothing_more(both)


async def test_env_06_c_20_a_semicolon_in_the_first_switches_the_rows_off(both: World) -> None:
    await say(both, "dh_spotlerpermissions", ";")
    await both.connector.restart()

    person = await both.synchronised()

    await nothing_more(both)
    assert await permission_rows(both, person) == {}
