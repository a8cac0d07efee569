"""SET-18, SET-19, C-01, C-02, C-09, PURGE: what each setting changes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from tests.scenario.privacy import MARK
from tests.scenario.world import World, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(autouse=True, scope="module", loop_scope="session")
async def defaults_for_the_others(world: World) -> AsyncIterator[None]:
    """Each of these scenarios runs the connector with settings of its own; afterwards it has the default ones."""
    yield
    await world.settled()
    await world.connector.restart()


async def test_nothing_is_sent_while_the_environment_is_switched_off(world: World) -> None:
    await world.connector.restart(SYNC_ENABLED="false")
    before = await world.spotler.requests()

    person = await world.save()
    job = await world.ended(await world.ask(Operation.SYNC_CONTACT, person))
    await world.delete(person)
    await world.settled()

    assert (job.status, job.code) == (JobStatus.FAILED, "environment-off")
    assert await world.spotler.contact(person.email) is None
    changed = {name for name, count in (await world.spotler.requests()).items() if count != before.get(name)}
    assert changed <= {"contact.properties"}


async def test_a_table_that_is_not_enabled_is_left_alone_and_a_job_for_it_says_so(world: World) -> None:
    await world.connector.restart(SYNC_TABLES="contact,lead")

    account, contact = await world.save(PersonTable.ACCOUNT), await world.save()
    job = await world.ended(await world.ask(Operation.SYNC_CONTACT, account))
    refused = await world.connector.call("POST", "/api/resync", {"table": "account"})

    await world.in_spotler(contact)
    await world.settled()
    assert await world.spotler.contact(account.email) is None
    assert await world.status_now(account) is None
    assert (job.status, job.code) == (JobStatus.FAILED, "table-off")
    assert refused.status_code == 409
    assert "SYNC_TABLES" in refused.json()["error"]


async def test_a_deactivated_record_stays_in_spotler_when_that_is_the_wish_and_do_not_email_ends_it(
    world: World,
) -> None:
    await world.connector.restart(ANONYMIZE_CONTACT_WHEN_INACTIVE="false")
    person = await world.synchronised()
    before = await world.in_spotler(person)

    await world.deactivate(person)

    status = await world.status(person, SyncStatus.SUCCEEDED, "inactive")
    assert status.text == "Not sent to Spotler. The record is inactive."
    assert await world.in_spotler(person) == before

    await world.change(person, donotemail=True, statecode=0, statuscode=1)
    await world.forgotten(person)


async def test_a_deleted_record_is_blanked_when_that_is_the_wish(world: World) -> None:
    await world.connector.restart(ON_DELETE="blank")
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    before = await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})

    await world.delete(person)
    await world.forgotten(person)

    shell = await world.spotler.contact_with_id(person.id)
    assert shell is not None
    assert shell["encryptedId"] == before["encryptedId"]
    assert permissions(shell) == set()
    assert set(shell["properties"]) == {"permissions", "interests"}


async def test_a_deleted_record_loses_its_permissions_only_when_that_is_the_wish(world: World) -> None:
    await world.connector.restart(ON_DELETE="permissionsOff")
    person = await world.synchronised()
    await world.permit(person, "Newsletter")
    await world.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})

    await world.delete(person)

    contact = await world.in_spotler(person, lambda contact: permissions(contact) == set())
    assert contact["properties"]["lastName"] == f"Achter{MARK}"


async def test_fields_that_dynamics_does_not_fill_are_cleared_when_that_is_the_wish(world: World) -> None:
    await world.connector.restart(PURGE_EXISTING_PROPERTIES_WHEN_NOT_SET="true")
    person = await world.synchronised()
    theirs = {"profileField1": "likes tea", "permissions": [{"bit": 2, "enabled": True}]}
    await world.spotler.post(f"contact/edit?email={person.email}", {"properties": theirs})

    await world.change(person, address1_city=f"{MARK}lo")

    contact = await world.in_spotler(person, lambda contact: contact["properties"]["city"] == f"{MARK}lo")
    assert "profileField1" not in contact["properties"]
    assert contact["properties"]["lastName"] == f"Achter{MARK}"
    assert permissions(contact) == {"Productinfo"}


async def test_a_setting_that_makes_no_sense_is_told_at_the_start_without_its_value(world: World) -> None:
    await world.connector.stop()

    with pytest.raises(AssertionError, match="did not start"):
        await world.connector.start(ON_DELETE=f"erase {MARK}")

    assert "ON_DELETE" in world.connector.log.read_text()[-500:]
    await world.connector.start()


async def test_erasures_beyond_the_limit_are_held_until_an_administrator_releases_the_brake(world: World) -> None:
    await world.connector.restart(MASS_ERASURE_LIMIT="1")
    people = [await world.synchronised() for _ in range(3)]
    before = (await world.connector.call("GET", "/api/brake")).json()["erasure"]["counted"]
    for person in people:
        await world.deactivate(person)
    await world.settled()

    state = (await world.connector.call("GET", "/api/brake")).json()["erasure"]
    assert (state["limit"], state["held"]) == (1, 3 if before else 2)
    assert [await world.spotler.contact(person.email) is None for person in people].count(True) == 3 - state["held"]
    master = world.connector.master
    assert (await world.connector.call("POST", "/api/brake/release", {"kinds": ["erasure"]})).status_code == 401
    refused = await world.connector.call("POST", "/api/brake/release", {"kinds": ["everything"]}, key=master)
    assert refused.status_code == 400
    assert "erasure" in refused.json()["error"]

    released = await world.connector.call("POST", "/api/brake/release", {"kinds": ["erasure"], "hours": 1}, key=master)
    assert released.status_code == 200
    for person in people:
        await world.forgotten(person)
    await world.settled()
    state = (await world.connector.call("GET", "/api/brake")).json()["erasure"]
    assert (state["held"], state["releasedUntil"]) == (0, released.json()["releasedUntil"])
