"""ML-14..ML-17, ML-23, ML-34: the button Sync To Spotler, a flow and the connector behind them, in one whole.

The button's script runs by node on a fake page; the Web API behind the page is the organisation's.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.adapters.dataverse.records.tables import JOBS
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable
from tests.programs.node import press_sync
from tests.scenario.job_acts import done
from tests.scenario.list_acts import OK, in_list, new_list
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def press(world: World, marketing_list: str, *, confirms: bool = True) -> dict[str, Any]:
    """Press the button on the form of a list, as a user of Dynamics who is signed in."""
    scene = {"id": marketing_list, "confirms": confirms, "url": world.dynamics._url}
    token = world.dynamics._http.headers["Authorization"].removeprefix("Bearer ")
    return await asyncio.to_thread(press_sync, scene | {"token": token})


async def jobs_of(world: World, marketing_list: str) -> list[str]:
    rows = await world.dynamics.read(f"{JOBS}?$select={JOBS[:-1]}id&$filter=_dh_listid_value eq {marketing_list}")
    return [row[f"{JOBS[:-1]}id"] for row in rows["value"]]


async def test_ml_14_ml_16_ml_17_the_button_counts_asks_and_brings_the_list_to_spotler(world: World) -> None:
    known, new, inactive = await world.synchronised(), await world.bring_in(), await world.bring_in()
    await world.deactivate(inactive)
    await world.settled()
    marketing_list = await new_list(world, "Knop", known, new, inactive)

    seen = await press(world, marketing_list)

    assert seen["questions"] == [
        '3 members of "Knop" will be synchronised. Inactive and opted-out members will be skipped.'
    ]
    (job,) = await jobs_of(world, marketing_list)
    ended = await world.ended(job)
    assert (ended.status, ended.code) == OK
    assert await in_list(world, marketing_list) == sorted([known.id, new.id])


async def test_ml_16_a_dynamic_list_is_counted_by_its_query_each_member_once(world: World) -> None:
    people = [await world.bring_in(jobtitle="Geteld") for _ in range(3)]
    for _ in range(2):  # a join that finds the first of them twice
        await world.bring_in(PersonTable.ACCOUNT, **{"primarycontactid@odata.bind": f"/{people[0].path}"})
    query = (
        '<fetch distinct="true"><entity name="contact"><attribute name="fullname"/><order attribute="fullname"/>'
        '<filter><condition attribute="jobtitle" operator="eq" value="Geteld"/></filter>'
        '<link-entity name="account" from="primarycontactid" to="contactid" link-type="outer" alias="firm">'
        '<attribute name="name"/></link-entity></entity></fetch>'
    )
    marketing_list = await new_list(world, "Gezocht", type=True, query=query)

    seen = await press(world, marketing_list)

    assert seen["questions"][0].startswith('3 members of "Gezocht" will be synchronised.')
    (job,) = await jobs_of(world, marketing_list)
    await world.ended(job)
    assert await in_list(world, marketing_list) == sorted(person.id for person in people)


async def test_a_cancelled_question_creates_no_job(world: World) -> None:
    marketing_list = await new_list(world, "Toch niet", await world.bring_in())

    seen = await press(world, marketing_list, confirms=False)

    assert (len(seen["questions"]), seen["created"]) == (1, [])
    assert await jobs_of(world, marketing_list) == []


async def test_ml_34_with_both_hidden_fields_off_nobody_is_said_to_be_skipped_and_members_are_kept(
    world: World,
) -> None:
    """The dialog and who refuses bulk mail; of members who are inactive `test_list_content.py` tells (ML-33)."""
    person, refusing = await world.synchronised(), await world.synchronised(donotbulkemail=True)
    off = {"donotsendonoptout": False, "ignoreinactivelistmembers": False}
    marketing_list = await new_list(world, "Allemaal", person, refusing, **off)

    seen = await press(world, marketing_list)

    assert seen["questions"] == ['2 members of "Allemaal" will be synchronised.']
    (job,) = await jobs_of(world, marketing_list)
    ended = await world.ended(job)
    assert "skipped" not in ended.text
    assert await in_list(world, marketing_list) == sorted([person.id, refusing.id])


async def test_ml_15_a_workflow_starts_it_by_a_job_row_that_names_the_operation_and_the_list(world: World) -> None:
    """A workflow or flow on the list can do what the button does: it creates this row (ML-23), and OK is its run."""
    person = await world.bring_in()
    marketing_list = await new_list(world, "Workflow", person)

    job = await done(world, Operation.SYNC_LIST, marketing_list=marketing_list)

    assert (job.status, job.code) == (JobStatus.COMPLETED, "OK")
    assert await in_list(world, marketing_list) == [person.id]
