"""The mapping: a row changed, checked, previewed, applied, rolled back; files up and down; drift."""

from __future__ import annotations

import re

import pytest

from shared.console.access.roles import Role
from shared.domain.records.jobs import Operation
from tests.console.visitors.usable import assert_usable, picture
from tests.console.visitors.visitor import Visitor, Windows, client
from tests.scenario.privacy import MARK
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.visits(
    "mapping",
    "mapping/proposal",
    "mapping/proposal/row/*",
    "mapping/proposal/preview",
    "mapping/proposal/effect",
    "mapping/history",
    "mapping/version/*",
)
@pytest.mark.presses("mapping/proposal", "mapping/proposal/row/*", "mapping/proposal/apply", "mapping/version/*")
async def test_a_row_is_changed_previewed_applied_and_rolled_back_in_four_clicks(
    administrator: Visitor, world: World
) -> None:
    person = await world.synchronised()
    await administrator.open("/mapping")
    assert await administrator.heading() == "Version 1 is live"
    await administrator.press("Change rows …")
    await administrator.follow("Change row 7")  # job title
    await administrator.page.get_by_label("Column or expression on contact").fill("address1_city")
    await administrator.press("Keep in the proposal")
    assert "Nothing is live yet" in await administrator.text()
    await administrator.follow("Check and preview")
    text = await administrator.text()

    assert "What it does to people" in text
    assert "contact: address1_city" in text
    await assert_usable(administrator)
    await picture(administrator, "mapping-preview")
    await _accept_and(administrator, "Make the proposal live")
    assert "Version 2 is live" in await administrator.heading()

    await world.ask(Operation.SYNC_CONTACT, person)
    await world.in_spotler(person, lambda contact: contact["properties"]["jobTitle"] == f"{MARK}dam")

    await administrator.open("")
    await administrator.follow("Mapping")
    await administrator.follow("History")
    await administrator.follow("Roll back …")
    await _accept_and(administrator, "Roll back to version 1")
    assert "Version 3 is live" in await administrator.heading()
    await world.ask(Operation.SYNC_CONTACT, person)
    await world.in_spotler(person, lambda contact: contact["properties"]["jobTitle"] == f"{MARK} meester")


async def _accept_and(administrator: Visitor, button: str) -> None:
    """Press; accept the warnings that the check has, and press again."""
    for box in await administrator.page.locator("input[name=accept]").all():
        await box.check()
    await administrator.press(button)
    if await administrator.heading() == "Nothing has changed":
        for box in await administrator.page.locator("input[name=accept]").all():
            await box.check()
        await administrator.press("Apply with these warnings")


@pytest.mark.visits("mapping/proposal/names")
@pytest.mark.presses("mapping/proposal/discard")
async def test_names_of_both_sides_are_offered_and_a_row_that_cannot_be_read_is_not_kept(
    administrator: Visitor,
) -> None:
    await administrator.open("/mapping")
    await administrator.press("Change rows …")
    await administrator.follow("Add a row")
    await administrator.page.locator("#columns-contact").wait_for(state="attached")
    assert await administrator.page.locator("#columns-contact option[value=jobtitle]").count() == 1
    assert await administrator.page.locator("#properties option[value=jobTitle]").count() == 1
    await administrator.page.get_by_label("Spotler field").fill("city")
    await administrator.page.get_by_label("Column or expression on contact").fill("@nonsense(7")
    await administrator.press("Keep in the proposal")

    assert "This is not kept yet" in await administrator.text()
    await administrator.open("/mapping/proposal")
    assert "@nonsense(7" not in await administrator.text()
    await administrator.press("Discard the proposal")
    assert "The proposal is gone" in await administrator.text()


@pytest.mark.visits("mapping/file/*")
@pytest.mark.presses("mapping/file")
@pytest.mark.parametrize(("link", "ending"), [("Excel", "xlsx"), ("YAML", "yaml")])
async def test_a_file_goes_down_and_comes_up_as_a_proposal(administrator: Visitor, link: str, ending: str) -> None:
    await administrator.open("/mapping")
    async with administrator.page.expect_download() as download:
        await administrator.page.get_by_role("link", name=link).click()
    file = await download.value
    assert file.suggested_filename.endswith(ending)
    path = await file.path()
    content = {"name": file.suggested_filename, "mimeType": "application/octet-stream", "buffer": path.read_bytes()}

    await administrator.page.get_by_label("A mapping as Excel or YAML").set_input_files(content)
    await administrator.press("Read the file")

    assert "It is a proposal; nothing is live yet" in await administrator.text()
    assert "What changes in the mapping" not in await administrator.text()
    await administrator.press("Discard the proposal")


async def test_a_file_that_is_no_mapping_says_what_is_wrong_in_the_readers_language(
    windows: Windows, world: World
) -> None:
    content = {"name": "mapping.yaml", "mimeType": "text/yaml", "buffer": b"version: 1\nrows: [{spotler: city}]\n"}
    async with windows.visitor(world, Role.ADMINISTRATOR, locale="nl-NL") as administrator:
        await administrator.open("/mapping")
        await administrator.page.get_by_label("Een mapping als Excel of YAML").set_input_files(content)
        await administrator.press("Het bestand lezen")
        heading = await administrator.heading()

    assert (
        "Dit is geen geldige mapping. rij 1: een rij heeft een kolom voor contact, lead, account of entity" in heading
    )


async def test_an_operator_sees_no_values_in_a_preview(windows: Windows, administrator: Visitor, world: World) -> None:
    await administrator.open("/mapping")
    await administrator.press("Change rows …")
    await administrator.follow("Change row 7")
    await administrator.page.get_by_label("Column or expression on contact").fill("lastname")
    await administrator.press("Keep in the proposal")
    async with windows.visitor(world, Role.OPERATOR) as operator:
        await operator.open("/mapping/proposal/preview")
        await operator.press("Plan everybody")
        await operator.page.locator("#forecast .chip", has_text="Completed").wait_for()
        text = await operator.text()

        assert "would change" in await operator.page.locator("#forecast").inner_text()

    assert "••••" in text
    assert "Applying is for administrators" in text
    await administrator.open("/mapping/proposal")
    await administrator.press("Discard the proposal")


@pytest.mark.visits("mapping/drift")
@pytest.mark.presses("mapping/drift")
async def test_drift_is_looked_for_on_request(administrator: Visitor) -> None:
    await administrator.open("/mapping/drift")
    await administrator.press("Compare now")

    assert "Both sides were compared" in await administrator.text()


@pytest.mark.visits("settings")
async def test_settings_show_no_secret(administrator: Visitor, world: World) -> None:
    await administrator.open("/settings")
    content = await administrator.page.content()

    secrets = [world.connector.settings[name] for name in ("SPOTLER_SECRET", "DATAVERSE_CLIENT_SECRET", "SPOTLER_KEY")]
    assert [secret for secret in secrets if secret and secret in content] == []
    row = administrator.page.locator("tr", has_text="MASS_ERASURE_LIMIT")
    assert "setting of the app" in await row.inner_text()
    await administrator.follow("Other than by default")
    assert await row.count() == 1
    assert await administrator.page.locator("tr", has_text="POLL_SCHEDULE").count() == 0


@pytest.mark.visits("parts/connection")
@pytest.mark.presses("connection/capabilities")
async def test_the_connection_shows_both_accounts_and_what_is_missing(administrator: Visitor) -> None:
    await administrator.open("/connection")
    text = await administrator.text()

    assert "Spotler Mail+" in text
    assert "Newsletter" in text
    assert "POLL_SCHEDULE" in text
    nightly = administrator.page.locator("tr", has_text="RECONCILE_SCHEDULE").locator("td")
    assert await nightly.nth(2).inner_text() == "Never run"
    assert "04:07" in (await nightly.nth(1).inner_text())
    assert re.search(r"20\d\d \d\d:07$", await nightly.last.inner_text())
    await administrator.press("Test capabilities")
    assert "Tested:" in await administrator.text()


async def test_why_an_act_was_not_done_is_dutch_on_the_next_page(world: World) -> None:
    async with client(world, Role.ADMINISTRATOR) as http:
        http.headers["accept-language"] = "nl"
        token = (await http.get("/console")).text.partition('name="token" value="')[2].partition('"')[0]
        await http.post("/console/mapping/proposal", data={"token": token})

        answer = await http.post("/console/mapping/proposal/apply", data={"token": token, "comment": "x" * 201})
        page = await http.get(answer.headers["location"])
        await http.post("/console/mapping/proposal/discard", data={"token": token})

    assert "Niet gedaan: De opmerking is langer dan 200 tekens. Corrigeer wat de tekst noemt" in page.text
