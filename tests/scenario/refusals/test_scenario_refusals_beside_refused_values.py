"""VAL-05, OPT-02: a value that Spotler itself refuses is left out and told; data and refusals go without it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.domain.records.records import SyncStatus
from shared.local.sandbox.serving import serve
from tests.examples import thinned
from tests.programs.times import LONGEST_WAIT
from tests.scenario.privacy import MARK
from tests.scenario.refusal_acts import WAYS, Withdraw, given, subscribed
from tests.scenario.two_way import mapping_text, nothing_more, permission_rows
from tests.scenario.world import Contact, World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = "shoeSize"
A_BATCH = 30


@asynccontextmanager
async def older_catalogue(spotler_url: str) -> AsyncIterator[str]:
    """Serve Spotler, which takes whole numbers for a property that its list of properties still calls a text."""
    # The signature covers the address that was called: it goes along as `Host`.
    async with httpx.AsyncClient(timeout=LONGEST_WAIT) as http:

        async def forward(request: Request) -> Response:
            path: bytes = request.scope["raw_path"]
            called = path + b"?" + request.url.query.encode() if request.url.query else path
            url = httpx.URL(spotler_url).copy_with(raw_path=called)
            headers = [(name, value) for name, value in request.headers.raw if name != b"accept-encoding"]
            answer = await http.request(request.method, url, headers=headers, content=await request.body())
            content = answer.content
            if request.url.path.endswith("/contact/properties/list"):
                listed = json.loads(content)
                for one in listed:
                    one["type"] = "string" if one["name"] == SIZE else one["type"]
                content = json.dumps(listed).encode()
            names = {"content-type", "date", "retry-after"} & answer.headers.keys()
            kept = {name: answer.headers[name] for name in names}
            return Response(content, answer.status_code, kept)

        methods = ["GET", "POST", "PUT", "DELETE"]
        async with serve(Starlette(routes=[Route("/{path:path}", forward, methods=methods)])) as address:
            yield f"{address.url}{httpx.URL(spotler_url).path}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stale(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose connector does not know that a property takes numbers only."""
    folder = tmp_path_factory.mktemp("stale")
    own = {"columns": {"contact.new_size": {"type": "String", "max": 20}}, "properties": {SIZE: {"type": "int"}}}
    (customised := folder / "customised.json").write_text(json.dumps(own), encoding="utf-8")
    (mapping := folder / "mapping.yaml").write_text(
        mapping_text({"spotler": SIZE, "contact": "new_size"}), encoding="utf-8"
    )
    async with AsyncExitStack() as stack:
        options = ("--customised", str(customised))
        world = await stack.enter_async_context(open_world(folder, *options, MAPPING_FILE=str(mapping)))
        url = await stack.enter_async_context(older_catalogue(world.connector.settings["SPOTLER_URL"]))
        await world.connector.start(SPOTLER_URL=url)
        yield world
        await world.settled()
        await world.connector.stop()


def has(contact: Contact, name: str) -> str:
    return str(contact["properties"].get(name, ""))


@pytest.mark.parametrize("withdraw", thinned(WAYS))
async def test_f2_a_value_that_spotler_refuses_keeps_no_withdrawal_back(stale: World, withdraw: Withdraw) -> None:
    person = await subscribed(stale, "Newsletter", new_size="43")

    columns = await withdraw(stale, person)
    await stale.change(person, new_size="43½", address1_city=f"{MARK}oord", **columns)
    await stale.settled()

    contact = await given(stale, person)
    assert (has(contact, SIZE), has(contact, "city")) == ("43", f"{MARK}oord")
    status = await stale.status(person, SyncStatus.SUCCEEDED)
    assert SIZE in status.text
    assert "½" not in status.text
    await stale.change(person, new_size="44")
    await stale.settled()
    contact = await given(stale, person)
    assert has(contact, SIZE) == "44"
    await nothing_more(stale)


async def test_val_05_somebody_new_arrives_without_a_value_that_spotler_refuses(stale: World) -> None:
    person = await stale.save(new_size="groot")
    await stale.permit(person, "Newsletter")
    await stale.settled()

    contact = await given(stale, person, "Newsletter")

    assert (has(contact, SIZE), has(contact, "city")) == ("", f"{MARK}dam")
    assert SIZE in (await stale.status(person, SyncStatus.SUCCEEDED)).text
    assert await permission_rows(stale, person) == {"Newsletter": True}
    await nothing_more(stale)


async def test_of_a_batch_only_the_refused_values_stay_behind(stale: World) -> None:
    people = [await stale.save(new_size="40") for _ in range(A_BATCH)]
    for person in people:
        await stale.permit(person, "Newsletter")
    await stale.settled()
    for number, person in enumerate(people):
        await stale.slip(person, new_size="41" if number % 3 else "groot", donotbulkemail=number % 2 == 0)
    keys = [person.id for person in people]

    answer = await stale.connector.call("POST", "/api/resync", {"table": "contact", "ids": keys})
    assert answer.is_success, answer.text
    await stale.settled()

    for number, person in enumerate(people):
        contact = await given(stale, person, *(["Newsletter"] if number % 2 else []))
        assert has(contact, SIZE) == ("41" if number % 3 else "40")
    await nothing_more(stale)
