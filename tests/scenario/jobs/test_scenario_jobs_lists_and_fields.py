"""AUD, FLD, JOB-07, JOB-12: lists, single fields, and the end of mailing, by job."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable
from tests.examples import thinned
from tests.scenario.job_acts import done, look
from tests.scenario.privacy import MARK
from tests.scenario.world import Person, World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")

OK = (JobStatus.COMPLETED, "OK")
NOT_VALID = (JobStatus.FAILED, "[JOB_NOT_VALID]")


async def lists_of(world: World, person: Person) -> list[str]:
    """Return the ids of the lists that have somebody."""
    return [audience for audience, members in (await look(world, "audiences")).items() if person.id in members]


@pytest.mark.parametrize("table", thinned(list(PersonTable)[::-1]))
async def test_a_person_goes_into_a_list_that_is_made_for_it_and_out_again(world: World, table: PersonTable) -> None:
    person = await world.bring_in(table)
    name = f"Kopers {table}"

    added = await done(world, Operation.ADD_TO_AUDIENCE, person, dh_parametername=name)
    assert (added.status, added.code) == OK
    assert len(await lists_of(world, person)) == 1

    removed = await done(world, Operation.REMOVE_FROM_AUDIENCE, person, dh_parametername=name)
    assert (removed.status, removed.code) == OK
    assert await lists_of(world, person) == []


async def test_a_removal_from_a_list_leaves_the_others_in_it(world: World) -> None:
    first, second = await world.synchronised(), await world.synchronised()
    for person in (first, second):
        await done(world, Operation.ADD_TO_AUDIENCE, person, dh_parametername="Blijvers")

    await done(world, Operation.REMOVE_FROM_AUDIENCE, first, dh_parametername="Blijvers")

    assert await lists_of(world, first) == []
    assert len(await lists_of(world, second)) == 1


async def test_a_list_can_be_made_without_a_person_and_a_removal_needs_one_that_exists(world: World) -> None:
    before = set(await look(world, "audiences"))
    made = await done(world, Operation.ADD_TO_AUDIENCE, dh_parametername="Leeg")
    missing = await done(
        world, Operation.REMOVE_FROM_AUDIENCE, await world.synchronised(), dh_parametername="Bestaat niet"
    )

    assert (made.status, made.code) == OK
    assert len(set(await look(world, "audiences")) - before) == 1
    assert (missing.status, missing.code) == NOT_VALID


async def test_sync_list_brings_a_static_list_into_a_list_of_its_own_beside_that_of_a_job_of_the_same_name(
    world: World,
) -> None:
    known, new, refusing = await world.synchronised(), await world.bring_in(), await world.bring_in(donotemail=True)
    marketing_list = await world.dynamics.create("lists", {"listname": "Vrienden", "createdfromcode": 2, "type": False})
    for person in (known, new, refusing):
        await world.dynamics.create(
            "listmembers",
            {"listid@odata.bind": f"/lists({marketing_list})", "entityid_contact@odata.bind": f"/{person.path}"},
        )
    await done(world, Operation.ADD_TO_AUDIENCE, known, dh_parametername="Vrienden")

    job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert (job.status, job.code) == OK
    assert job.text.startswith('2 people are in the list "Vrienden" in Spotler (2 added, 0 removed), as it was at ')
    assert job.text.endswith("1 skipped: 1 do-not-email.")
    assert sorted((await look(world, "audiences"))[f"list-{marketing_list}"]) == sorted([known.id, new.id])
    assert len(await lists_of(world, known)) == 2


async def test_sync_list_without_a_list_is_refused(world: World) -> None:
    job = await done(world, Operation.SYNC_LIST)

    assert (job.status, job.code) == NOT_VALID
    assert job.text == "[JOB_NOT_VALID] Sync List needs a Marketing List: fill one in."


async def test_a_permission_is_set_by_job_and_stays_when_the_record_is_saved(world: World) -> None:
    person = await world.synchronised()

    job = await done(
        world, Operation.SET_CONTACT_FIELD, person, dh_parametername="permissions:Newsletter", dh_parametervalue="ja"
    )

    assert (job.status, job.code) == OK
    assert permissions(await world.in_spotler(person)) == {"Newsletter"}
    await world.change(person, jobtitle=f"{MARK} meester")
    await world.settled()
    assert permissions(await world.in_spotler(person)) == {"Newsletter"}


async def test_a_field_that_no_mapping_fills_is_set_by_its_display_name_and_cleared(world: World) -> None:
    person = await world.synchronised()

    given = await done(
        world,
        Operation.SET_CONTACT_FIELD,
        person,
        dh_parametername="First purchase",
        dh_parametervalue="2026-03-01",
    )
    assert (given.status, given.code) == OK
    assert "firstPurchaseDate" in (await world.in_spotler(person))["properties"]

    cleared = await done(world, Operation.CLEAR_CONTACT_FIELD, person, dh_parametername="firstPurchaseDate")
    assert (cleared.status, cleared.code) == OK
    assert not (await world.in_spotler(person))["properties"].get("firstPurchaseDate")


async def test_a_time_without_an_offset_is_one_of_the_mapping_s_time_zone(world: World) -> None:
    person = await world.synchronised()

    await done(
        world,
        Operation.SET_CONTACT_FIELD,
        person,
        dh_parametername="firstPurchaseDate",
        dh_parametervalue="2026-07-01T14:30",
    )

    told = (await world.in_spotler(person))["properties"]["firstPurchaseDate"]
    assert datetime.fromisoformat(told).astimezone(UTC) == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("operation", "name", "value", "told"),
    [
        (Operation.SET_CONTACT_FIELD, "freeField1", "2.000", "expects a whole number, such as 1250"),
        (Operation.SET_CONTACT_FIELD, "city", "x", "is filled from Dataverse"),
        (Operation.SET_CONTACT_FIELD, "permissions", "true", "is a list: name one item of it"),
        (Operation.SET_CONTACT_FIELD, "permissions:Newsletter", "perhaps", "switched on by true, ja or 1"),
        (Operation.SET_CONTACT_FIELD, "firstPurchaseDate", "yesterday", "expects a date"),
        (Operation.SET_CONTACT_FIELD, "shoesize", "42", "Spotler has no field"),
        (Operation.CLEAR_CONTACT_FIELD, "permissions:Newsletter", "", "switch it off with Set Contact Field"),
    ],
)
async def test_a_field_that_cannot_be_written_so_is_refused(
    world: World, operation: Operation, name: str, value: str, told: str
) -> None:
    person = await world.synchronised()

    job = await done(world, operation, person, dh_parametername=name, dh_parametervalue=value)

    assert (job.status, job.code) == NOT_VALID
    assert told in job.text


async def test_deactivate_contact_makes_the_contact_inactive(world: World) -> None:
    person = await world.synchronised()

    job = await done(world, Operation.DEACTIVATE_CONTACT, person)

    assert (job.status, job.code, job.text) == (*OK, "The contact is inactive in Spotler.")
    contact = await world.in_spotler(person)
    assert contact["inactivity"]


async def test_deactivate_contact_spares_a_contact_that_another_record_needs(world: World) -> None:
    person = await world.synchronised()
    other = await world.save(PersonTable.LEAD, emailaddress1=person.email)
    await world.settled()

    job = await done(world, Operation.DEACTIVATE_CONTACT, other)

    assert (job.status, job.code) == (JobStatus.FAILED, "still-used")
    assert not (await world.in_spotler(person))["inactivity"]
