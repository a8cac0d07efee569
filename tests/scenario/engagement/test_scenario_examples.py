"""EXA-01, EXA-02: the worked examples of docs/howto/example-automations.md, done with what is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.domain.records.jobs import Operation
from shared.local.spotler_sandbox.account.automations import DEFAULT_AUTOMATIONS
from tests.scenario.job_acts import automation_rows, done, runs
from tests.scenario.two_way import open_both_ways, permission_rows, poll, switch
from tests.scenario.world import Person, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

REACTIVATION = f"🚀 Start {DEFAULT_AUTOMATIONS[0].name}"
"""An automation with an external trigger and a mail."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_both_ways(tmp_path_factory.mktemp("examples"), rows=()) as opened:
        yield opened


async def read_mailings(world: World) -> None:
    answer = await world.connector.call("POST", "/api/engagement", {})
    assert answer.is_success, answer.text
    await world.settled()


async def rows(world: World, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.dynamics.read(query))["value"]
    return found


async def without_reaction(world: World, *people: Person) -> list[Person]:
    """Who of these gets mail and has no weighted score, as the marketing list or view of the example has them."""
    scores = await rows(world, "contacts?$select=contactid,dh_engagementweightedscore")
    silent = {row["contactid"] for row in scores if not row.get("dh_engagementweightedscore")}
    sent = await rows(world, "dh_marketinginteractions?$filter=dh_type eq 480000000&$select=_dh_customerid_value")
    return [one for one in people if one.id in silent & {row["_dh_customerid_value"] for row in sent}]


async def test_exa_01_a_bounce_gives_a_task_until_the_address_is_corrected_and_mail_arrives_again(world: World) -> None:
    person = await world.synchronised()
    await world.spotler.post("mailing", {"name": "Spring"})
    await world.spotler.post(f"contact/hard-bounce?email={person.email}")
    await poll(world)
    bounced = "tasks?$filter=category eq 'Spotler' and subcategory eq 'Bounce'"  # what the flow of step 2 filters on
    columns = "&$select=statecode,_ownerid_value,_regardingobjectid_value"
    tasks = [one for one in await rows(world, bounced + columns) if one["_regardingobjectid_value"] == person.id]
    owner = (await world.dynamics.read(f"{person.path}?$select=_ownerid_value"))["_ownerid_value"]
    assert [(one["statecode"], one["_ownerid_value"]) for one in tasks] == [(0, owner)]
    report = (await world.connector.call("GET", "/api/bounces?format=csv")).text
    assert person.id in report

    address = world.address()
    await world.change(person, emailaddress1=address)

    await world.in_spotler(address, lambda contact: contact["inactivity"] is None)
    await world.settled()
    tasks = [one for one in await rows(world, bounced + columns) if one["_regardingobjectid_value"] == person.id]
    assert [one["statecode"] for one in tasks] == [1]
    await world.spotler.post("mailing", {"name": "After the correction"})
    await read_mailings(world)
    names = f"dh_marketinginteractions?$filter=_dh_customerid_value eq {person.id}&$select=dh_name"
    assert "Sent: After the correction" in {row["dh_name"] for row in await rows(world, names)}


async def test_exa_02_people_who_do_not_react_get_a_mail_and_who_does_not_answer_it_loses_the_permission(
    world: World,
) -> None:
    awake, ann, ben = [await world.synchronised() for _ in range(3)]
    for person in (ann, ben):
        await switch(world, person, newsletter=True)
    await poll(world)
    await world.spotler.post("mailing", {"name": "Newsletter"})
    await world.spotler.post(f"contact/open?email={awake.email}")
    await read_mailings(world)
    silent = await without_reaction(world, awake, ann, ben)
    assert silent == [ann, ben]

    assert (await done(world, Operation.REFRESH_AUTOMATIONS)).code == "OK"
    automation = (await automation_rows(world))[REACTIVATION]
    for person in silent:  # the flow of step 4
        assert (await done(world, Operation.START_AUTOMATION, person, automation=automation)).code == "OK"
    for act in ("open", "click"):  # the click alone would be a machine's, so soon after sending
        await world.spotler.post(f"contact/{act}?email={ann.email}")
    await read_mailings(world)
    assert await without_reaction(world, awake, ann, ben) == [ben], "who answers is off the list"
    assert [len(await runs(world, person)) for person in (awake, ann, ben)] == [0, 1, 1]

    await switch(world, ben, newsletter=False)  # what the branch without a click does in Spotler
    await poll(world)
    assert await permission_rows(world, ann) == {"Newsletter": True}
    assert await permission_rows(world, ben) == {"Newsletter": False}
