"""Mailings on the customer card, through the local host: campaigns, interactions, scores, exports, health."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.domain.records.records import PersonTable
from tests.scenario.world import World, eventually, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(tmp_path_factory.mktemp("mailings")) as opened:
        await opened.connector.start()
        yield opened


async def read_now(world: World, **body: Any) -> dict[str, Any]:
    answer = await world.connector.call("POST", "/api/engagement", body)
    assert answer.is_success, answer.text
    await world.settled()
    found: dict[str, Any] = answer.json()
    return found


async def rows_of(world: World, table: PersonTable, person: str) -> list[dict[str, Any]]:
    lookup = "_dh_leadid_value" if table is PersonTable.LEAD else "_dh_customerid_value"
    path = f"dh_marketinginteractions?$filter={lookup} eq {person}&$select=dh_type,dh_count,dh_linkname,dh_name"
    found: list[dict[str, Any]] = (await world.dynamics.read(path))["value"]
    return found


@pytest.mark.parametrize("table", PersonTable)
async def test_gen_06_gen_08_what_a_person_received_opened_and_clicked_is_on_the_card(
    world: World, table: PersonTable
) -> None:
    person = await world.synchronised(table)
    await world.spotler.post("mailing", {"name": f"News for a {table}"})
    for act in ("open", "click"):
        await world.spotler.post(f"contact/{act}?email={person.email}")
    result = await read_now(world)
    assert result["refused"] == 0
    rows = await rows_of(world, table, person.id)
    of_this = {row["dh_type"]: row for row in rows if row["dh_name"].endswith(f"News for a {table}")}
    assert set(of_this) >= {480000000, 480000001}  # INT-01, INT-09, C-16
    (campaign,) = (await world.dynamics.read(f"campaigns?$filter=name eq 'News for a {table}'"))["value"]
    assert (campaign["dh_opencount"], campaign["dh_clickcount"], campaign["dh_spotlertype"]) == (1, 1, 480000000)


async def test_eng_01_scores_are_on_the_record_and_never_come_back_as_events(world: World) -> None:
    person = await world.synchronised()
    await world.spotler.post("mailing", {"name": "Scored"})
    await world.spotler.post(f"contact/open?email={person.email}")
    await world.settled()
    before = await world.spotler.requests()
    await read_now(world)
    row = await world.dynamics.read(f"contacts({person.id})?$select=dh_engagementscore,dh_engagementweightedscore")
    assert (row["dh_engagementscore"], row["dh_engagementweightedscore"]) == (1, 1)
    await world.settled()
    after = await world.spotler.requests()
    assert [name for name in after if name.startswith("contact.") and after[name] != before.get(name, 0)] == []


async def test_p_19_the_mailings_are_listed_and_exported(world: World) -> None:
    await world.spotler.post("mailing", {"name": "Exported; really"})
    await read_now(world)
    listed = (await world.connector.call("GET", "/api/mailings")).json()["mailings"]
    assert "Exported; really" in {one["name"] for one in listed}
    table = (await world.connector.call("GET", "/api/mailings?format=csv")).text
    assert table.splitlines()[0].startswith('"mailing","name","kind","origin","begun"')
    assert "Exported; really" in table
    assert (await world.connector.call("GET", "/api/mailings?format=xml")).status_code == 400


async def test_ini_05_the_initial_run_is_begun_by_a_call_and_its_progress_is_in_health(world: World) -> None:
    begun = await read_now(world, initial=True)
    assert "since" in begun["started"]

    async def finished() -> bool:
        health = (await world.connector.call("GET", "/api/health")).json()
        return health["engagement"]["initial"]["finished"] is not None

    await eventually(finished, "the end of the initial run")
    health = (await world.connector.call("GET", "/api/health")).json()
    assert health["engagement"]["ok"]
    assert health["engagement"]["account"]["opensList"] in {"unknown", "rendered"}
    future = await world.connector.call("POST", "/api/engagement", {"initial": True, "since": "2999-01-01T00:00:00Z"})
    assert future.status_code == 400
