"""Every page: it answers in time, axe finds nothing serious, it speaks Dutch, it fits 390 pixels, light and dark."""

from __future__ import annotations

import time
from http import HTTPStatus

import pytest

from shared.console.access.roles import Role
from shared.console.routes import ROUTES
from shared.console.web import Method
from tests.console.visitors.usable import assert_usable, assert_usable_everywhere
from tests.console.visitors.visitor import NARROW, Visitor, Windows, client
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERNS = [
    route.pattern
    for route in ROUTES
    if route.method is Method.GET and not route.is_part and "*" not in route.pattern and "." not in route.pattern
    if route.pattern not in {"mapping/proposal", "mapping/proposal/preview"}  # `test_console_mapping.py` opens these
]
PAGES = [f"/{pattern}" if pattern else "" for pattern in PATTERNS]
SOON = 0.3
"""Seconds. A page waits for no service."""

_SLOWER = 5
"""A page may take this many times as long as one that shows nothing, beside `SOON`."""


@pytest.mark.visits(
    *PATTERNS, "parts/connections", "parts/connection", "parts/duplicates", "parts/fields", "parts/jobs"
)
async def test_every_page_can_be_used_by_everybody(administrator: Visitor) -> None:
    for path in PAGES:
        answer = await administrator.open(path)

        assert answer.status == HTTPStatus.OK, path
        assert await administrator.page.locator("h1").count() == 1, path
        await assert_usable_everywhere(administrator)


async def test_every_page_answers_at_once(world: World) -> None:
    async with client(world, Role.ADMINISTRATOR) as http:

        async def took(path: str) -> float:
            begin = time.monotonic()
            answer = await http.get(f"/console{path}")
            assert answer.is_success, path
            return time.monotonic() - begin

        usual = max([await took("/you") for _ in range(3)])  # on this machine, now
        seconds = {path: await took(path) for path in PAGES}

    assert {path: one for path, one in seconds.items() if one >= SOON + _SLOWER * usual} == {}


@pytest.mark.presses("preferences")
async def test_a_dutch_browser_gets_dutch_and_a_choice_stays(windows: Windows, world: World) -> None:
    async with windows.visitor(world, Role.READER, locale="nl-NL") as found:
        await found.open("/runs")
        assert await found.heading() == "Initiële synchronisaties en andere uitvoeringen"

        await found.press("English")
        assert await found.heading() == "Initial synchronisations and other runs"
        await found.open("/lists")
        assert await found.heading() == "Marketing lists"


@pytest.mark.visits("parts/overview")
async def test_the_overview_renews_itself_without_losing_its_place(administrator: Visitor) -> None:
    page = await administrator.page.context.new_page()
    await page.clock.install()
    await page.goto(f"{administrator.world.connector.url}/console")

    part = page.locator("#overview")
    assert await part.get_attribute("hx-trigger") == "every 15s"
    assert await part.locator("button, input").count() == 0, "a part that polls holds no control"
    async with page.expect_response("**/console/parts/overview") as renewed:
        await page.clock.fast_forward(16_000)
    assert (await renewed.value).ok
    await page.close()


@pytest.mark.visits("you")
@pytest.mark.presses("preferences")
async def test_a_chosen_appearance_wins_over_the_systems(administrator: Visitor) -> None:
    await administrator.open("/you")
    await administrator.press("Dark")

    assert await administrator.page.locator("html").get_attribute("data-theme") == "dark"
    await administrator.press("Date and time")
    await administrator.open("/mapping")
    assert "ago" not in await administrator.page.locator("time").first.inner_text()
    assert "(Amsterdam)" in (await administrator.page.locator("time").first.get_attribute("title") or "")


async def test_a_page_that_does_not_exist_says_so(reader: Visitor) -> None:
    answer = await reader.open("/nowhere")

    assert answer.status == HTTPStatus.NOT_FOUND
    assert "There is no such page" in await reader.heading()


async def test_a_person_fits_a_telephone(windows: Windows, world: World) -> None:
    person = await world.synchronised()
    async with windows.visitor(world, width=NARROW, locale="nl-NL") as found:
        await found.open(f"/person/contact/{person.id}")
        await assert_usable(found)
