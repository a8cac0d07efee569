"""What runs by itself or on request: mailings with their figures, jobs of people, marketing lists."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest

from shared.adapters.dataverse.records.tables import JOBS
from shared.domain.records.jobs import JobStatus, Operation
from tests.console.visitors.usable import assert_usable, picture
from tests.console.visitors.visitor import Visitor
from tests.scenario.job_acts import job_row
from tests.scenario.list_acts import new_list
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _read_mailing(world: World) -> None:
    """A mailing that people open and click. Outside of the feed nobody knows when each got it: else, so soon after
    that, the clicks would pass for those of a machine.
    """
    people = [await world.synchronised() for _ in range(6)]
    await world.spotler.post("mailing", {"name": "March news", "subject": "Spring", "inReport": False})
    for number, one in enumerate(people):
        await world.spotler.post(f"contact/open?email={one.email}")
        if number:
            await world.spotler.post(f"contact/click?email={one.email}", {"link": 1 if number > 1 else 3})
    await asyncio.sleep(1.1)  # the run reads mailings until now, in whole seconds
    answer = await world.connector.call("POST", "/api/engagement", {"initial": True})
    assert answer.is_success, answer.text
    await world.settled()


@pytest.mark.visits("mailings", "mailings.csv", "mailing/*", "mailing/*/over-time.csv", "mailing/*/links.csv")
async def test_a_mailing_shows_its_funnel_its_growth_and_its_links_and_exports_them(
    world: World, reader: Visitor
) -> None:
    await _read_mailing(world)
    await reader.open("/mailings")
    await reader.follow("March news")
    text = await reader.text()
    assert await reader.heading() == "March news"
    assert "of delivered" in text
    assert "people with a record, counted once" in text
    assert await reader.page.locator("svg.plot polyline").count() == 2
    assert "Website" in text
    await assert_usable(reader)
    await picture(reader, "mailing")

    over_time, links = [await reader.rows(f"CSV of {name}") for name in ("opens and clicks", "links")]
    assert (over_time[-1]["openedSoFar"], over_time[-1]["clickedSoFar"]) == ("6", "5")
    assert [(row["name"], row["people"]) for row in links] == [("Website", "4"), ("Order", "1")]
    await reader.open("/mailings")
    assert [row["name"] for row in await reader.rows("CSV")] == ["March news"]
    await world.connector.call("POST", "/admin/functions/tend_engagement", key=world.connector.master)
    await world.settled()
    await reader.open("/connection")
    assert "Opens in the list of a mailing" in await reader.text()
    gone = await reader.open("/mailing/unknown")
    assert gone.status == HTTPStatus.NOT_FOUND


@pytest.mark.visits("jobs", "parts/jobs")
@pytest.mark.presses("jobs/*/take-up", "jobs/*/repeat")
async def test_a_job_that_nobody_heard_of_is_taken_up_and_a_failed_one_repeated(
    administrator: Visitor, world: World
) -> None:
    person = await world.synchronised()
    unheard = await world.dynamics.bring_in(JOBS, job_row(Operation.SYNC_CONTACT, person))
    failed = await world.ask(Operation.ADD_TAG, person)
    assert (await world.ended(failed)).code == "[JOB_NOT_VALID]"

    await administrator.open(f"/person/contact/{person.id}")
    assert (
        "its Result Text in Dynamics says which"
        in await administrator.page.get_by_label("Jobs for this record").inner_text()
    )
    await administrator.open("/jobs")
    await administrator.follow("Queued")
    await administrator.press("Take up now")
    assert "The job is done within seconds" in await administrator.text()
    assert (await world.ended(unheard)).status is JobStatus.COMPLETED

    await administrator.follow("Failed")
    await administrator.press("Repeat")
    assert "Queued again" in await administrator.text()
    assert (await world.ended(failed)).code == "[JOB_NOT_VALID]"
    repeated = await world.connector.call("POST", f"/api/jobs/{failed}/repeat", {})
    assert repeated.status_code == HTTPStatus.ACCEPTED


@pytest.mark.visits("lists", "parts/lists", "list/*", "list/*/judged", "list/*/left-out.csv")
@pytest.mark.presses("list/*/sync")
async def test_a_list_says_who_is_left_out_before_it_is_synchronised_and_after(
    administrator: Visitor, world: World
) -> None:
    member, left_out = await world.synchronised(), await world.bring_in(emailaddress1=None)
    marketing_list = await new_list(world, "Spring campaign", member, left_out)

    await administrator.open("/lists")
    await administrator.follow("Spring campaign")
    assert "1 of 2 members would be in Spotler's list" in await administrator.text()
    await assert_usable(administrator)
    await administrator.press("Synchronise 1 member")
    assert "The synchronisation has begun" in await administrator.text()
    page = f"/list/{marketing_list}"
    await administrator.until(f"{page}/judged", lambda text: "This list was never synchronised" not in text)
    await administrator.open(page)
    (row,) = await administrator.rows("CSV of who was left out")
    assert (left_out.id in row["record"], row["reason"]) == (True, "no-email")
