"""A field that both sides changed: somebody decides by clicking whose value counts (policy `ask`)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from shared.console.access.roles import Role
from tests.console.browser import visitor
from tests.scenario.privacy import MARK
from tests.scenario.two_way import BOTH, edit, open_both_ways, poll, stored
from tests.scenario.world import Person, World, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

DISPUTED = {"spotler": "taal", "contact": "address1_county", "direction": BOTH, "conflict": "ask"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asking(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose mapping asks about one field."""
    async with open_both_ways(tmp_path_factory.mktemp("decisions"), rows=(DISPUTED,)) as opened:
        yield opened


async def disputed(world: World) -> Person:
    person = await world.synchronised()
    await edit(world, person, taal=f"{MARK} spotler")
    await world.slip(person, address1_county=f"{MARK} dynamics")
    await poll(world)
    return person


@pytest.mark.parametrize(
    ("page", "button", "side"),
    [("/decisions", "Dynamics counts", "dynamics"), ("/person/contact/{}", "Spotler counts", "spotler")],
)
async def test_both_sides_get_the_value_of_the_side_whose_button_is_pressed(
    browser: Browser, asking: World, page: str, button: str, side: str
) -> None:
    person = await disputed(asking)
    async with visitor(browser, asking) as administrator:
        await administrator.open(page.format(person.id))
        form = administrator.page.locator(f"form[action='/console/person/contact/{person.id}/side']")
        await form.get_by_role("button", name=button).click()
        await administrator.page.get_by_text("Decided. Both sides get this value").wait_for()
        await administrator.settled()

        async def equal() -> bool:
            contact = await asking.in_spotler(person)
            values = {await stored(asking, person, "address1_county"), contact["properties"]["taal"]}
            return values == {f"{MARK} {side}"}

        await eventually(equal, f"both sides to have the value of {side}")
        await asking.settled()
        await administrator.open("/decisions")
        await expect(form).to_have_count(0)


async def test_an_operator_sees_the_field_and_no_buttons(browser: Browser, asking: World) -> None:
    person = await disputed(asking)
    async with visitor(browser, asking, Role.OPERATOR) as operator:
        await operator.open("/decisions")

        await expect(operator.page.locator(f"a[href='/console/person/contact/{person.id}']")).to_have_count(1)
        await expect(operator.page.get_by_role("button", name="Dynamics counts")).to_have_count(0)
