"""One mailing in the console: its funnel, opens and clicks over time, links by clicks, and all of it as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
from http import HTTPStatus

import pytest

from tests.console.browser import Visitor
from tests.console.test_console_pages import assert_usable, picture
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


async def test_a_mailing_shows_its_funnel_its_growth_and_its_links_and_exports_them(
    world: World, reader: Visitor
) -> None:
    await _read_mailing(world)
    await reader.open("/mailings")
    await reader.follow("March news")
    text = await reader.text()
    assert await reader.heading() == "March news"
    handle = reader.page.url.rpartition("/")[2]
    assert "of delivered" in text
    assert "people with a record, counted once" in text
    assert await reader.page.locator("svg.plot polyline").count() == 2
    assert "Website" in text
    await assert_usable(reader)
    await picture(reader, "mailing")

    rows = {}
    for name in ("over-time", "links"):
        answer = await reader.page.request.get(f"{world.connector.url}/console/mailing/{handle}/{name}.csv")
        rows[name] = list(csv.DictReader(io.StringIO((await answer.body()).decode("utf-8-sig"))))
    assert (rows["over-time"][-1]["openedSoFar"], rows["over-time"][-1]["clickedSoFar"]) == ("6", "5")
    assert [(row["name"], row["people"]) for row in rows["links"]] == [("Website", "4"), ("Order", "1")]
    await world.connector.call("POST", "/admin/functions/tend_engagement", key=world.connector.master)
    await world.settled()
    await reader.open("/connection")
    assert "Opens in the list of a mailing" in await reader.text()
    gone = await reader.open("/mailing/unknown")
    assert gone.status == HTTPStatus.NOT_FOUND
