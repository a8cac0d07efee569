"""SEC-02, C-25: the role Spotler Service is enough for what the connector does, and nothing of it is superfluous."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.adapters.dataverse.records.tables import AUTOMATIONS, VARIABLE_VALUES
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable, SyncStatus
from shared.local.dataverse_sandbox.organisation.privileges import by_table
from shared.local.pages.roles import SERVICE, roles
from shared.local.sandbox.addresses import CONNECTOR_CLIENT
from tests.scenario.job_acts import done
from tests.scenario.list_acts import OK, new_list
from tests.scenario.two_way import BOTH, edit, open_both_ways, permission_rows, poll, switch
from tests.scenario.world import World, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERY_SECOND = "* * * * * *"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world in which everything is switched on: permissions both ways, lists as subscriptions, new subscribers."""
    rows = ({"spotler": "interests", "contact": "@map(list)", "direction": BOTH},)
    schedules = dict.fromkeys(("AUTOMATIONS_SCHEDULE", "PERMISSIONS_SCHEDULE"), EVERY_SECOND)
    async with open_both_ways(tmp_path_factory.mktemp("roles"), rows=rows, **schedules) as opened:
        yield opened


async def synchronises_people_and_reports(world: World) -> None:
    """Info rows for all three tables, and permissions that Spotler knows first, then otherwise."""
    for table in PersonTable:
        person = await world.synchronised(table)
        await switch(world, person, newsletter=True)
        await poll(world)
        assert (await permission_rows(world, person))["Newsletter"] is True
        await switch(world, person, newsletter=False)
        await poll(world)
        assert (await permission_rows(world, person))["Newsletter"] is False


async def tells_of_bounces(world: World) -> None:
    """A task for the owner, completed when the address changes."""
    person = await world.synchronised()
    await world.spotler.post(f"contact/hard-bounce?email={person.email}")
    await poll(world)
    await world.status(person, SyncStatus.FAILED, "hard-bounce")
    await world.change(person, emailaddress1=world.address())
    await world.status(person, SyncStatus.SUCCEEDED)
    await world.settled()
    assert [task["statecode"] for task in (await world.dynamics.read("tasks?$select=statecode"))["value"]] == [1]


async def does_jobs_and_lists(world: World) -> None:
    """A post on the timeline, a list with its info row, and a member who joins and leaves by Spotler."""
    person = await world.synchronised()
    assert (await done(world, Operation.ADD_TAG, person, dh_parametername="Spanje")).status is JobStatus.COMPLETED
    erased = await world.synchronised()  # which asks what the job's creator may do
    assert (await done(world, Operation.ANONYMIZE_CONTACT, erased)).status is JobStatus.COMPLETED
    listed = await new_list(world, "Garden")
    job = await done(world, Operation.SYNC_LIST, marketing_list=listed)
    assert (job.status, job.code) == OK
    for joins in (True, False):
        await edit(world, person, interests=[{"bit": 1, "enabled": joins}])
        await poll(world)
        members = (await world.dynamics.read(f"lists({listed})/listcontact_association?$select=contactid"))["value"]
        assert [one["contactid"] for one in members] == [person.id] * joins


async def keeps_automations_and_the_variable(world: World) -> None:
    """What Dynamics offers is what Spotler has, even after somebody has changed it."""

    async def rows(path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await world.dynamics.read(path))["value"]
        return found

    automations = await eventually(lambda: rows(f"{AUTOMATIONS}?$select=dh_name"), "automations")
    (variable,) = await eventually(lambda: rows(VARIABLE_VALUES), "the variable")
    first = automations[0]
    await world.dynamics.change(AUTOMATIONS, first["dh_spotlerautomationid"], {"dh_name": "x"})
    await world.dynamics.change(VARIABLE_VALUES, variable["environmentvariablevalueid"], {"value": "Fax;"})

    async def restored() -> bool:
        names = {row["dh_spotlerautomationid"]: row["dh_name"] for row in await rows(f"{AUTOMATIONS}?$select=dh_name")}
        (now,) = await rows(VARIABLE_VALUES)
        return names[first["dh_spotlerautomationid"]] == first["dh_name"] and "Newsletter" in now["value"]

    await eventually(restored, "what Spotler says")


async def takes_in_new_subscribers(world: World, target: PersonTable) -> None:
    await world.connector.restart(NEW_SUBSCRIBER_TARGET=str(target))
    email = world.address()
    await world.spotler.post("form", {"properties": {"email": email, "lastName": "Lee"}})
    await poll(world)
    assert (await world.dynamics.read(f"{target}s?$filter=emailaddress1 eq '{email}'&$select=lastname"))["value"]


async def shows_mailings(world: World) -> None:
    """Campaigns and interactions of a mailing, scores, responses; and their removal with the person."""
    person = await world.synchronised()
    await world.spotler.post("mailing", {"name": "Spring"})
    for _ in range(2):
        await world.spotler.post(f"contact/click?email={person.email}")
        answer = await world.connector.call("POST", "/api/engagement", {})
        assert answer.status_code == 200, answer.text
        assert answer.json()["refused"] == 0
        await asyncio.sleep(1)  # the clicks of another second
    asked = {"record": f"contact:{person.id}", "althoughSynchronised": True}
    erased = await world.connector.call("POST", "/api/people/forget", asked, key=world.connector.master)
    assert erased.status_code == 200, erased.text
    assert erased.json()["interactions"] == 2


async def checks_the_mapping(world: World) -> None:
    answer = await world.connector.call("POST", "/api/mapping/check")
    assert answer.status_code == 200, answer.text


async def test_sec_02_c_25_the_connector_uses_the_whole_of_its_role_and_needs_no_more(whole: World) -> None:
    await synchronises_people_and_reports(whole)
    await tells_of_bounces(whole)
    await does_jobs_and_lists(whole)
    await keeps_automations_and_the_variable(whole)
    await takes_in_new_subscribers(whole, PersonTable.LEAD)
    await takes_in_new_subscribers(whole, PersonTable.CONTACT)
    await shows_mailings(whole)
    await checks_the_mapping(whole)

    assert await whole.dynamics.privileges(CONNECTOR_CLIENT, "used") == by_table(roles()[SERVICE].privileges)
    assert await whole.dynamics.privileges(CONNECTOR_CLIENT, "missing") == {}
