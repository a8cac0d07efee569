"""AUT, TLP-02: automations and campaigns by job."""

from __future__ import annotations

import pytest

from shared.adapters.dataverse.records.tables import JOBS
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable
from tests.examples import thinned
from tests.scenario.job_acts import ask, automation_rows, done, posts, runs
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

OK = (JobStatus.COMPLETED, "OK")
NOT_VALID = (JobStatus.FAILED, "[JOB_NOT_VALID]")
WELCOME, BIRTHDAY, CART = "🚀 Start Welcome", "🚀 Start Birthday", "📢 Abandoned cart"


async def choice(world: World, name: str) -> str:
    """Refresh what there is to choose, as the buttons of a job form would, and choose."""
    job = await done(world, Operation.REFRESH_AUTOMATIONS)
    assert (job.status, job.code) == OK
    return (await automation_rows(world))[name]


@pytest.mark.parametrize("table", thinned(list(PersonTable)))
async def test_a_chosen_automation_is_started_with_its_fields_for_somebody_new_to_spotler(
    world: World, table: PersonTable
) -> None:
    welcome = await choice(world, WELCOME)
    person = await world.bring_in(table)

    identifier = await ask(
        world,
        Operation.START_AUTOMATION,
        person,
        automation=welcome,
        dh_automationfields="voucher=X1\nlink=\ncart={12,34}",
    )
    job = await world.ended(identifier)

    assert (job.status, job.code, job.text) == (*OK, 'Automation "Start Welcome" started in Spotler.')
    (run,) = await runs(world, person)
    assert run["fields"] == [
        {"name": "voucher", "type": "STRING", "value": "X1"},
        {"name": "cart", "type": "PRODUCTLIST", "values": ["12", "34"]},
    ]
    row = await world.dynamics.read(f"{JOBS}({identifier})")
    assert row["dh_automationcontactid"] == run["automationContactId"]
    assert await posts(world, person) == ['Automation "Start Welcome" started in Spotler.']


async def test_a_campaign_is_started_by_a_typed_code_and_stopped_by_choice(world: World) -> None:
    cart = await choice(world, CART)
    person = await world.synchronised()

    started = await done(world, Operation.START_AUTOMATION, person, dh_parametername="TrgCartLeft")
    again = await done(world, Operation.START_AUTOMATION, person, dh_parametername="TrgCartLeft")
    stopped = await done(world, Operation.STOP_AUTOMATION, person, automation=cart)

    assert (started.status, started.code) == OK
    assert (again.status, again.code) == (JobStatus.FAILED, "INVALID_STATE")
    assert (stopped.status, stopped.code, stopped.text) == (*OK, 'Campaign "Abandoned cart" stopped for the person.')


async def test_an_automation_that_one_may_take_part_in_once_says_so_the_second_time(world: World) -> None:
    birthday = await choice(world, BIRTHDAY)
    person = await world.synchronised()

    first = await done(world, Operation.START_AUTOMATION, person, automation=birthday)
    second = await done(world, Operation.START_AUTOMATION, person, automation=birthday)

    assert (first.status, first.code) == OK
    assert (second.status, second.code) == (JobStatus.FAILED, "PARTICIPATION_LIMIT_REACHED")
    assert len(await posts(world, person)) == 1


async def test_all_runs_of_a_person_are_stopped_or_only_those_that_are_named(world: World) -> None:
    welcome = await choice(world, WELCOME)
    person = await world.synchronised()
    for _ in range(3):
        await done(world, Operation.START_AUTOMATION, person, automation=welcome)
    first, second, third = [run["automationContactId"] for run in await runs(world, person)]

    named = await done(world, Operation.STOP_AUTOMATION, dh_automationcontactid=f"{first}, {second}")
    assert (named.status, named.text) == (JobStatus.COMPLETED, f"{first}: stopped; {second}: stopped")
    assert [run["automationContactId"] for run in await runs(world, person) if not run["stopped"]] == [third]

    everything = await done(world, Operation.STOP_AUTOMATION, person, automation=welcome)
    nothing = await done(world, Operation.STOP_AUTOMATION, person, automation=welcome)
    assert everything.text == 'Automation "Start Welcome" stopped for the person.'
    assert nothing.text == 'Automation "Start Welcome" did not run for the person.'
    assert all(run["stopped"] for run in await runs(world, person))


async def test_a_run_that_spotler_does_not_know_fails_with_its_name(world: World) -> None:
    job = await done(world, Operation.STOP_AUTOMATION, dh_automationcontactid="nobody-knows")

    assert (job.status, job.code) == (JobStatus.FAILED, "unknown-in-spotler")
    assert job.text == "nobody-knows: Spotler does not know it"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("voucher=<STRING>\nlink=https://shop.example", "line 1, column 1: voucher still holds its type hint"),
        ("Voucher=X1", "Voucher is no field of this automation. It has voucher, link, cart"),
        ("cart=12", "cart takes product ids in curly brackets"),
        ("voucher=X1;;\nlink", "line 2, column 1: expected name=value"),
    ],
)
async def test_fields_that_cannot_be_right_are_refused_before_anything_is_sent(
    world: World, fields: str, told: str
) -> None:
    welcome = await choice(world, WELCOME)
    person = await world.synchronised()

    job = await done(world, Operation.START_AUTOMATION, person, automation=welcome, dh_automationfields=fields)

    assert (job.status, job.code) == NOT_VALID
    assert told in job.text
    assert await runs(world, person) == []


async def test_a_code_that_spotler_does_not_know_is_told(world: World) -> None:
    code = "00000000-0000-4000-8000-000000000000"
    job = await done(world, Operation.START_AUTOMATION, await world.synchronised(), dh_parametername=code)

    assert (job.status, job.code) == (JobStatus.FAILED, "TRIGGER_NOTFOUND")


async def test_a_start_without_anything_to_start_is_refused(world: World) -> None:
    job = await done(world, Operation.START_AUTOMATION, await world.synchronised())

    assert (job.status, job.code) == NOT_VALID
    assert "Start Automation needs an Automation, or its trigger code in Parameter Name." in job.text
