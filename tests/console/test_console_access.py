"""Who gets in, who sees values, who may act; and what is written down of it."""

from __future__ import annotations

from http import HTTPStatus

import httpx
import pytest

from shared.console.access.roles import Role
from shared.console.access.sessions import SESSION
from shared.console.routes import ROUTES
from shared.console.web import Method
from tests.console.visitors.visitor import Visitor, Windows, client, session_of
from tests.scenario.privacy import MARK
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACEHOLDERS = {"*": "contact"}


async def test_the_link_of_the_terminal_opens_the_console_once(windows: Windows, world: World) -> None:
    async with windows.visitor(world, None) as anybody:
        page = anybody.page
        await page.goto(world.connector.console)
        assert await page.locator("h1").count() == 1
        assert page.url.endswith("/console")

        await anybody.sign_in(None)
        answer = await page.goto(world.connector.console)
        assert answer is not None
        assert answer.status == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern or 'overview'}")
async def test_nobody_gets_in_without_a_session(world: World, route: object) -> None:
    path = "/console/" + route.pattern.replace("*", "contact")
    async with client(world, None) as http:
        answer = await http.request(route.method, path, data={"token": "x"} if route.method is Method.POST else None)

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert "Open the link" in answer.text


async def test_a_cookie_that_somebody_else_signed_opens_nothing(world: World) -> None:
    cookie = session_of(world, Role.READER)
    forged = cookie[:-2] + ("aa" if not cookie.endswith("aa") else "bb")
    async with httpx.AsyncClient(base_url=world.connector.url, cookies={SESSION: forged}) as http:
        assert (await http.get("/console")).status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("route", [one for one in ROUTES if one.method is Method.POST], ids=lambda route: route.pattern)
async def test_an_act_without_the_token_of_the_session_is_refused(world: World, route: object) -> None:
    path = "/console/" + route.pattern.replace("*", "contact")
    async with client(world, Role.ADMINISTRATOR) as http:
        forged = [await http.post(path, data={"token": token}) for token in ("", "0" * 64)]

    assert [answer.status_code for answer in forged] == [HTTPStatus.FORBIDDEN, HTTPStatus.FORBIDDEN]
    assert "This form was not made for your session" in forged[0].text


async def test_every_act_needs_an_operator_and_what_cannot_be_undone_an_administrator() -> None:
    roles = {one.act: one.role for one in ROUTES if one.act}

    assert {act for act, role in roles.items() if role is Role.READER} == {"check-receipt"}
    assert {act for act, role in roles.items() if role is Role.OPERATOR} == {
        "sync-person", "replay", "replay-all", "take-up-job",
        "sync-list", "start-run", "pause-run", "resume-run", "stop-run",
        "look-for-drift", "test-capabilities", "look-at-spotler", "plan-everybody", "start-mailings",
        "begin-forecast", "measure-round-trip", "repeat-job", "change-comparison", "change-mailings",
    }  # fmt: skip


async def test_a_reader_sees_a_person_without_values_and_without_buttons(reader: Visitor, world: World) -> None:
    person = await world.synchronised()

    await reader.open(f"/person/contact/{person.id}")
    text = await reader.text()

    assert "Both sides, field by field" in text
    assert "Values are for administrators" in text
    assert "••••" in text
    assert MARK.casefold() not in (await reader.page.content()).casefold()
    assert await reader.page.get_by_role("button", name="Sync now").count() == 0


@pytest.mark.visits("audit", "audit.csv")
async def test_an_administrator_sees_values_and_the_audit_log_says_so(administrator: Visitor, world: World) -> None:
    person = await world.synchronised()

    await administrator.open(f"/person/contact/{person.id}")
    assert f"Achter{MARK}" in await administrator.text()
    await administrator.open("/audit")

    rows = await administrator.page.locator("tbody tr").all_inner_texts()
    assert any("view-values" in row and person.id in row for row in rows)
    assert person.id in {row["subject"].removeprefix("contact:") for row in await administrator.rows("CSV")}

    await administrator.page.get_by_label("On (id or code)").fill(person.id)
    await administrator.press("Filter")
    assert all(person.id in row for row in await administrator.page.locator("tbody tr").all_inner_texts())
    assert {row["subject"] for row in await administrator.rows("CSV")} == {f"contact:{person.id}"}
    await administrator.page.get_by_label("Result").select_option("Not done")
    await administrator.press("Filter")
    assert "No act has all that was chosen." in await administrator.text()


async def test_an_operator_cannot_do_what_is_for_administrators(world: World) -> None:
    async with client(world, Role.OPERATOR) as http:
        refused = await http.get("/console/mapping/proposal/row/1")

    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert "Spotler.Administrator" in refused.text


async def test_pages_are_not_stored_and_run_no_foreign_script(world: World) -> None:
    async with client(world, Role.READER) as http:
        page = await http.get("/console")
        style = await http.get(page.text.partition('rel="stylesheet" href="')[2].partition('"')[0])

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert "immutable" in style.headers["cache-control"]
    assert " style=" not in page.text
    assert "onclick" not in page.text


async def test_a_choice_of_language_leads_to_no_other_site(world: World) -> None:
    async with client(world, Role.READER) as http:
        token = (await http.get("/console")).text.partition('name="token" value="')[2].partition('"')[0]
        answer = await http.post(
            "/console/preferences", data={"token": token, "language": "nl", "back": "//evil.example/console"}
        )

    assert answer.headers["location"] == "/console"
    assert "console_language=nl" in answer.headers["set-cookie"]


@pytest.mark.visits("person/*/*")
@pytest.mark.presses("search")
async def test_a_search_leaves_no_name_in_an_address(administrator: Visitor, world: World) -> None:
    person = await world.synchronised()
    await administrator.open("")

    await administrator.page.get_by_label("Find a person").fill(person.email)
    await administrator.page.keyboard.press("Enter")
    await administrator.page.wait_for_url(f"**/person/contact/{person.id}")

    assert person.email.partition("@")[0] not in administrator.page.url


async def test_nobody_of_another_window_acts_with_my_form(windows: Windows, world: World) -> None:
    """Two sessions have two tokens."""
    async with windows.visitor(world, Role.OPERATOR) as one:
        await one.open("/connection")
        token = await one.page.locator("input[name=token]").first.input_value()
    async with client(world, Role.ADMINISTRATOR) as http:
        answer = await http.post("/console/connection/look", data={"token": token})

    assert answer.status_code == HTTPStatus.FORBIDDEN


@pytest.mark.presses("sign-out")
async def test_after_signing_out_the_console_is_closed(reader: Visitor) -> None:
    await reader.open("/you")
    await reader.press("Sign out")

    assert "Open the link" in await reader.text()
    assert (await reader.open("/jobs")).status == HTTPStatus.UNAUTHORIZED
