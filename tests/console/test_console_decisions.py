"""What waits for a person: held erasures, duplicates, new subscribers, and fields that both sides changed."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from shared.console.access.roles import Role
from shared.domain.records.records import SyncStatus
from tests.console.visitors.usable import assert_usable
from tests.console.visitors.visitor import Visitor, Windows
from tests.scenario.privacy import MARK
from tests.scenario.two_way import edit, poll, stored
from tests.scenario.world import Person, World, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.visits("decisions")
@pytest.mark.presses("decisions/*/release")
async def test_held_erasures_are_released_with_their_number(
    administrator: Visitor, reader: Visitor, world: World
) -> None:
    people = [await world.synchronised() for _ in range(5)]
    for person in people:
        await world.delete(person)
    await world.settled()
    held = [person for person in people if await world.spotler.contact(person.email)]
    assert held, "the limit of this world is two in an hour"

    await reader.open("/decisions")
    assert "Only an administrator can release this" in await reader.text()
    await administrator.open("")
    await administrator.follow("Decide")
    assert f"{len(held)} erasures are held" in await administrator.text()
    await administrator.page.get_by_label("To go on, type how many").fill(str(len(held)))
    await administrator.press(f"Erase {len(held)} people")
    assert f"Released: {len(held)}" in await administrator.text()

    async def gone() -> bool:
        return not [person for person in held if await world.spotler.contact(person.email)]

    await eventually(gone, "everybody to be erased")


@pytest.mark.visits("parts/duplicates")
@pytest.mark.presses("person/*/*/primary")
async def test_a_duplicate_is_made_primary_by_a_button(administrator: Visitor, world: World) -> None:
    first = await world.synchronised()
    second = await world.save(emailaddress1=first.email)
    await world.status(second, SyncStatus.SUCCEEDED)

    await administrator.open("/decisions")
    row = administrator.page.locator("li", has=administrator.page.locator(f"a[href$='{second.id}']"))
    assert "primary" in await row.inner_text()
    await assert_usable(administrator)
    await row.get_by_role("button", name="Its values count").click()
    await administrator.settled()

    assert "The contact gets the values of this record" in await administrator.text()
    await administrator.open("/decisions")
    assert await row.get_by_role("button", name="Its values count").count() == 1
    assert await row.locator(".acts", has_text="primary").locator("a").get_attribute("href") != (
        f"/console/person/contact/{first.id}"
    )


async def sign_up(world: World, email: str) -> None:
    """Complete a form of Spotler that subscribes to the first permission."""
    await world.spotler.post("form", {"properties": {"email": email, "permissions": [{"bit": 1, "enabled": True}]}})


@pytest.mark.visits("connection", "parts/connection", "person/*/*/name")
@pytest.mark.presses("connection/look", "decisions/*/review")
async def test_a_new_subscriber_is_linked_to_the_record_that_somebody_chooses(
    administrator: Visitor, world: World
) -> None:
    email = world.address()
    people = [await world.bring_in(emailaddress1=email) for _ in range(2)]
    await sign_up(world, email)

    await administrator.open("/connection")
    await administrator.press("Look at Spotler now")
    assert "Looked at Spotler" in await administrator.text()
    await world.settled()
    await administrator.open("/decisions")
    assert "Several records match this new subscriber" in await administrator.text()
    assert await administrator.page.locator("label", has_text=f"Achter{MARK}").count() == 2
    await administrator.page.locator(f"input[value='contact:{people[1].id}']").check()
    await administrator.press("Decide")
    assert "Linked. Both sides are compared now." in await administrator.text()

    async def linked() -> bool:
        contact = await world.spotler.contact(email)
        return contact is not None and contact.get("externalId") == people[1].id

    await eventually(linked, "the contact to belong to the record that was chosen")


async def disputed(world: World) -> Person:
    person = await world.synchronised()
    await edit(world, person, taal=f"{MARK} spotler")
    await world.slip(person, address1_county=f"{MARK} dynamics")
    await poll(world)
    return person


@pytest.mark.visits("person/*/*", "person/*/*/explained", "parts/fields")
@pytest.mark.presses("person/*/*/side")
@pytest.mark.parametrize(
    ("page", "button", "side"),
    [("/decisions", "Dynamics counts", "dynamics"), ("/person/contact/{}", "Spotler counts", "spotler")],
)
async def test_both_sides_get_the_value_of_the_side_whose_button_is_pressed(
    windows: Windows, world: World, page: str, button: str, side: str
) -> None:
    person = await disputed(world)
    async with windows.visitor(world) as administrator:
        await administrator.open(page.format(person.id))
        form = administrator.page.locator(f"form[action='/console/person/contact/{person.id}/side']")
        row = administrator.page.locator("tr", has=form)
        assert f"{MARK} dynamics" in await row.inner_text()
        assert f"{MARK} spotler" in await row.inner_text()
        await form.get_by_role("button", name=button).click()
        await administrator.page.get_by_text("Decided. Both sides get this value").wait_for()
        await administrator.settled()

        async def equal() -> bool:
            contact = await world.in_spotler(person)
            values = {await stored(world, person, "address1_county"), contact["properties"]["taal"]}
            return values == {f"{MARK} {side}"}

        await eventually(equal, f"both sides to have the value of {side}")
        await world.settled()
        await administrator.open("/decisions")
        await expect(form).to_have_count(0)


async def test_an_operator_sees_the_field_and_no_buttons(windows: Windows, world: World) -> None:
    person = await disputed(world)
    async with windows.visitor(world, Role.OPERATOR) as operator:
        await operator.open("/decisions")

        await expect(operator.page.locator(f"a[href='/console/person/contact/{person.id}']")).to_have_count(1)
        await expect(operator.page.get_by_role("button", name="Dynamics counts")).to_have_count(0)
        assert MARK not in await operator.text()
