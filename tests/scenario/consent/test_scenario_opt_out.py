"""OPT-02, OPT-06..OPT-10: an account whose Spotler refuses to write people who opted out."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import SyncStatus
from tests.scenario.job_acts import done
from tests.scenario.privacy import MARK
from tests.scenario.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def refusing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(tmp_path_factory.mktemp("refusing"), "--opted-out", "refuse") as opened:
        await opened.connector.start()
        yield opened


async def test_an_opt_out_in_spotler_is_seen_at_the_next_write_and_ends_the_synchronisation(refusing: World) -> None:
    person = await refusing.synchronised()
    await refusing.spotler.post(f"contact/opt-out?email={person.email}")

    await refusing.change(person, address1_city=f"{MARK}oord")
    status = await refusing.status(person, SyncStatus.OPT_OUT, "opted-out")
    assert "opted out in Spotler" in status.text

    before = await refusing.spotler.requests()
    await refusing.change(person, address1_city=f"{MARK}zicht")
    await refusing.settled()
    after = await refusing.spotler.requests()  # it looks whether the person came back (C-12), and sends nothing
    assert after["contact.bulk"] == before["contact.bulk"]
    assert (await refusing.status_now(person)) == status


async def test_a_job_for_somebody_who_opted_out_fails_with_the_reason(refusing: World) -> None:
    person = await refusing.synchronised()
    await refusing.spotler.post(f"contact/opt-out?email={person.email}")
    await refusing.change(person, address1_city=f"{MARK}oord")
    await refusing.status(person, SyncStatus.OPT_OUT)

    job = await refusing.ended(await refusing.ask(Operation.SYNC_CONTACT, person))

    assert (job.status, job.code) == (JobStatus.FAILED, "opted-out")


async def test_opt_02_a_job_can_start_an_automation_for_a_person_who_refuses_bulk_mail(refusing: World) -> None:
    person = await refusing.save(donotbulkemail=True)
    await refusing.in_spotler(person)

    started = await done(refusing, Operation.START_AUTOMATION, person, dh_parametername="TrgCartLeft")
    tagged = await done(refusing, Operation.ADD_TAG, person, dh_parametername="Lead")

    assert {(one.status, one.code) for one in (started, tagged)} == {(JobStatus.COMPLETED, "OK")}


async def test_a_reactivation_starts_in_spotler_and_is_completed_by_a_job(refusing: World) -> None:
    person = await refusing.synchronised()
    await refusing.spotler.post(f"contact/opt-out?email={person.email}")
    await refusing.change(person, address1_city=f"{MARK}oord")
    info = (await refusing.status(person, SyncStatus.OPT_OUT)).id

    await refusing.spotler.post("form", {"properties": {"email": person.email}})
    await refusing.dynamics.set_status(info, SyncStatus.PROCESSING)
    job = await refusing.ended(await refusing.ask(Operation.SYNC_CONTACT, person))

    assert (job.status, job.code) == (JobStatus.COMPLETED, "OK")
    contact = await refusing.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}oord")
    assert contact["inactivity"] is None
    await refusing.status(person, SyncStatus.SUCCEEDED)


async def test_one_opt_out_does_not_hinder_the_others_of_the_batch(refusing: World) -> None:
    people = [await refusing.synchronised() for _ in range(3)]
    await refusing.spotler.post(f"contact/opt-out?email={people[1].email}")
    await refusing.connector.stop()
    for person in people:
        await refusing.change(person, address1_city=f"{MARK}oord")

    await refusing.connector.start()

    for person in (people[0], people[2]):
        await refusing.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}oord")
    await refusing.status(people[1], SyncStatus.OPT_OUT, "opted-out")
