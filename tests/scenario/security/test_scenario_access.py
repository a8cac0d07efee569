"""Keys, roles and limits of every HTTP route, through the host: what the table of routes promises is so."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from shared.triggers.http.access import ADMINISTRATOR_ROLE, PRINCIPAL, ROUTES, CallerRole
from tests.programs.times import LONGEST_WAIT
from tests.scenario.privacy import MARK, marks_in
from tests.scenario.world import World
from tests.unit.triggers.test_access import principal

pytestmark = pytest.mark.asyncio(loop_scope="session")

every_route = pytest.mark.parametrize("name", ROUTES)
ADMINISTRATION = [name for name, route in ROUTES.items() if route.role is CallerRole.ADMINISTRATOR]

NOBODY = {"{table}": "contact", "{id}": str(UUID(int=42)), "{version}": "0"}
REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def path_of(name: str) -> str:
    path = ROUTES[name].path
    for part, value in NOBODY.items():
        path = path.replace(part, value)
    return f"/api/{path}"


async def status(world: World, name: str, key: str | None, body: bytes = b"!", **headers: str) -> int:
    """Call with a body that no route understands, so that nothing happens."""
    return (await call(world, name, key, body, **headers)).status_code


async def call(world: World, name: str, key: str | None, body: bytes = b"!", **headers: str) -> httpx.Response:
    fields = {} if key is None else {"x-functions-key": key}
    async with httpx.AsyncClient(base_url=world.connector.url, timeout=LONGEST_WAIT) as http:
        return await http.request(ROUTES[name].method.value, path_of(name), content=body, headers={**fields, **headers})


@every_route
async def test_a_route_opens_to_the_keys_of_its_role_alone(world: World, name: str) -> None:
    connector = world.connector

    assert await status(world, name, None) == HTTPStatus.UNAUTHORIZED
    assert await status(world, name, "guessed") == HTTPStatus.UNAUTHORIZED
    assert await status(world, name, f"{connector.function_key}x") == HTTPStatus.UNAUTHORIZED
    with_function_key = await status(world, name, connector.function_key)
    if ROUTES[name].role is CallerRole.ADMINISTRATOR:
        assert with_function_key == HTTPStatus.UNAUTHORIZED
    else:
        assert with_function_key not in REFUSED
    assert await status(world, name, connector.master) not in REFUSED


@pytest.mark.parametrize("name", ADMINISTRATION)
async def test_a_sign_in_that_nobody_has_checked_opens_nothing(world: World, name: str) -> None:
    """Without App Service Authentication anybody can send the header."""
    forged = {PRINCIPAL: principal(ADMINISTRATOR_ROLE)}

    assert await status(world, name, world.connector.function_key, **forged) == HTTPStatus.UNAUTHORIZED
    assert await status(world, name, None, **forged) == HTTPStatus.UNAUTHORIZED


@pytest_asyncio.fixture(loop_scope="session")
async def signing_in(world: World) -> AsyncIterator[World]:
    """Act as App Service does when its authentication is switched on."""
    await world.connector.restart(WEBSITE_AUTH_ENABLED="True")
    yield world
    await world.connector.restart()


async def test_with_sign_in_an_administrator_needs_the_role_and_an_operator_but_a_key(signing_in: World) -> None:
    key = signing_in.connector.function_key

    for name in ADMINISTRATION:
        assert await status(signing_in, name, None, **{PRINCIPAL: principal(ADMINISTRATOR_ROLE)}) == 401
        assert await status(signing_in, name, key) == HTTPStatus.FORBIDDEN
        assert await status(signing_in, name, key, **{PRINCIPAL: principal("Spotler.Reader")}) == HTTPStatus.FORBIDDEN
        assert await status(signing_in, name, key, **{PRINCIPAL: "not base64"}) == HTTPStatus.FORBIDDEN
        assert await status(signing_in, name, key, **{PRINCIPAL: principal(ADMINISTRATOR_ROLE)}) not in REFUSED
        assert ADMINISTRATOR_ROLE in (await call(signing_in, name, key)).json()["error"]
    assert await status(signing_in, "health", signing_in.connector.function_key) == HTTPStatus.OK


# -------------------------------------------------------------------------------------------------------------- limits


@every_route
async def test_a_body_that_is_too_large_is_not_read(world: World, name: str) -> None:
    answer = await call(world, name, world.connector.master, b" " * (ROUTES[name].most_bytes + 1))

    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert str(ROUTES[name].most_bytes) in answer.json()["error"]


@every_route
async def test_an_answer_is_kept_by_no_cache(world: World, name: str) -> None:
    answer = await call(world, name, world.connector.master)

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("resync", {"table": "contact", "everybody": True}, ["everybody", "table, id, ids, lane"]),
        ("resync", {"table": "contact", "ids": [str(UUID(int=n)) for n in range(10_001)]}, ["at most 10000 ids"]),
        ("replay", {"all": True}, ["all", "ids"]),
        ("replay", {"ids": ["1"] * 1001}, ["at most 1000 ids"]),
        ("replay", {"ids": ["1" * 201]}, ["ids of /api/dead-letters"]),
        ("resync", {"x" * 5000: 1}, ["x" * 40 + "…"]),
    ],
)
async def test_a_body_of_the_wrong_shape_is_told_what_to_send(
    world: World, name: str, body: object, words: list[str]
) -> None:
    answer = await call(world, name, world.connector.function_key, json.dumps(body).encode())

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    for word in words:
        assert word in answer.json()["error"]
    assert len(answer.content) < 4000


@pytest.mark.parametrize("depth", [50_000])
async def test_a_body_that_is_nested_too_deeply_is_refused(world: World, depth: int) -> None:
    answer = await call(world, "resync", world.connector.function_key, b"[" * depth + b"]" * depth)

    assert answer.status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("name", "query"),
    [("read_mapping", "?fromat=xlsx"), ("preview_mapping", "?everybody=1"), ("apply_mapping", "?warning=accept")],
)
async def test_a_query_parameter_with_a_slip_of_the_pen_is_not_ignored(world: World, name: str, query: str) -> None:
    method = ROUTES[name].method.value
    async with httpx.AsyncClient(base_url=world.connector.url, timeout=LONGEST_WAIT) as http:
        mapping = await http.get(f"/api/mapping?code={world.connector.function_key}")
        answer = await http.request(
            method,
            path_of(name) + query,
            content=mapping.content if method != "GET" else b"",
            headers={"x-functions-key": world.connector.master},
        )

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert query[1:].partition("=")[0] in answer.json()["error"]


# ------------------------------------------------------------------------------------------------------------- privacy


async def test_an_operator_sees_codes_and_names_of_columns_of_a_person(world: World) -> None:
    person = await world.bring_in()
    await world.settled()

    async def explained(path: str, key: str) -> httpx.Response:
        return await world.connector.call("GET", f"/api/explain/contact/{person.id}{path}", key=key)

    answer = await explained("", world.connector.function_key)
    assert "lastName" in answer.json()["plan"]["properties"]
    assert marks_in(answer.content) == []

    answer = await explained("/values", world.connector.master)
    assert answer.json()["plan"]["properties"]["lastName"] == f"Achter{MARK}"
