"""SEC-02: what comes as a message or a job has no authority of its own: neither tags nor jobs stand above people."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from shared.adapters.dataverse.records.tables import PEOPLE
from shared.composition.settings import OWN_TAG
from shared.domain.records.jobs import JobStatus, Operation
from shared.local.sandbox.addresses import COLLEAGUE_CLIENT, COLLEAGUE_SECRET
from shared.local.sandbox.users import DynamicsUser
from tests.scenario.job_acts import done, posts
from tests.scenario.refusal_acts import NONE, subscribed
from tests.scenario.two_way import permission_rows, poll, switch
from tests.scenario.world import Person, World, open_world, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_do_not_email_that_is_saved_with_our_tag_ends_the_contact(world: World) -> None:
    person = await world.synchronised()
    await world.dynamics.change(PEOPLE[person.table].entity_set, person.id, {"donotemail": True}, tag=OWN_TAG)
    await world.forgotten(person)


async def test_a_deletion_with_our_tag_ends_the_contact(world: World) -> None:
    person = await world.synchronised()
    await world.dynamics.delete(PEOPLE[person.table].entity_set, person.id, tag=OWN_TAG)
    await world.forgotten(person)


async def test_a_job_does_not_turn_a_person_s_own_no_into_a_yes(world: World) -> None:
    person = await subscribed(world, "Newsletter")
    await switch(world, person, newsletter=False)
    await poll(world)
    assert (await permission_rows(world, person))["Newsletter"] is False

    job = await done(
        world, Operation.SET_CONTACT_FIELD, person, dh_parametername="permissions:Newsletter", dh_parametervalue="ja"
    )
    await poll(world)

    assert (job.status, job.code) == (JobStatus.FAILED, "[CONSENT_REFUSED]")
    assert (await permission_rows(world, person))["Newsletter"] is False
    assert permissions(await world.in_spotler(person)) == NONE
    assert (await last_of_ledger(world, person)).endswith(",no,spotler-profile")


async def test_a_job_s_yes_is_a_row_in_dataverse_and_the_ledger_says_which_job(world: World) -> None:
    person = await world.synchronised()
    asked = {"dh_parametername": "permissions:Newsletter", "dh_parametervalue": "ja"}

    job = await done(world, Operation.SET_CONTACT_FIELD, person, **asked)
    await poll(world)

    assert job.status is JobStatus.COMPLETED
    assert (await permission_rows(world, person))["Newsletter"] is True
    assert permissions(await world.in_spotler(person)) == {"Newsletter"}
    assert (await last_of_ledger(world, person)).endswith(",yes,job")


async def last_of_ledger(world: World, person: Person) -> str:
    """The last change of the newsletter, without what differs from run to run."""
    lines = (await world.connector.call("GET", f"/api/consent.csv?record={person.table}:{person.id}")).text.splitlines()
    rows = list(csv.DictReader(lines))
    newest = max((row for row in rows if row["subject"] == "permissions:1"), key=lambda row: row["at"])
    return ",".join(newest[column] for column in ("subject", "old", "new", "source"))


@pytest.mark.parametrize(
    ("operation", "right"),
    [
        (Operation.ANONYMIZE_CONTACT, "Delete"),
        (Operation.PURGE_CONTACT, "Write"),
        (Operation.DEACTIVATE_CONTACT, "Write"),
    ],
)
async def test_a_user_who_may_only_read_a_record_cannot_have_its_contact_erased(
    world: World, operation: Operation, right: str
) -> None:
    person = await world.synchronised()
    async with DynamicsUser(world.addresses, COLLEAGUE_CLIENT, COLLEAGUE_SECRET) as colleague:
        job = await world.ended(await colleague.add_job(operation, person.table, person.id))

    assert (job.status, job.code) == (JobStatus.FAILED, "[NOT_ALLOWED]")
    assert f"needs the right {right} on the record" in job.text
    assert (await world.in_spotler(person))["properties"]["firstName"]
    assert await posts(world, person) == []


async def test_the_timeline_names_the_user_who_asked_for_an_erasure(world: World) -> None:
    person = await world.synchronised()

    job = await done(world, Operation.ANONYMIZE_CONTACT, person)

    assert (job.status, job.code) == (JobStatus.COMPLETED, "410")
    assert await posts(world, person) == ["Anonymize Contact was asked for by Application people."]


async def test_many_erasures_by_jobs_are_stopped_at_the_limit(tmp_path: Path) -> None:
    async with open_world(tmp_path, MASS_ERASURE_LIMIT="1") as world:
        await world.connector.start()
        people = [await world.synchronised() for _ in range(3)]
        jobs = [await world.ask(Operation.ANONYMIZE_CONTACT, person) for person in people]
        codes = [(await world.ended(job)).code for job in jobs]
        left = [await world.spotler.contact(person.email) is not None for person in people]

    assert sorted(codes) == ["410", "mass-erasure", "mass-erasure"]
    assert left.count(True) == 2
