"""Runs: an initial synchronisation that is watched, paused, killed, resumed and finished."""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from shared.dispatch import runs as run_documents
from tests.console.browser import Visitor, visitor
from tests.console.test_console_pages import assert_usable, picture
from tests.scenario.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).resolve().parents[2]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fresh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world in which nobody was synchronised yet, and whose messages come again soon after a kill."""
    folder = tmp_path_factory.mktemp("runs")
    options = {"CLAIM_SECONDS": "5", "LOCAL_LOCK_SECONDS": "6"}
    async with open_world(folder, "--people", "1000", **options) as opened:
        await opened.connector.start()
        yield opened


async def runs(world: World) -> list[run_documents.Run]:
    return list(await run_documents.Runs(world.store, None, "default").latest())


async def test_an_initial_synchronisation_survives_a_pause_and_a_kill(browser: Browser, fresh: World) -> None:
    async with visitor(browser, fresh) as administrator:
        await administrator.open("/runs/contact/prepare")
        assert "are left out" in await administrator.text()
        await assert_usable(administrator)
        await administrator.press("Start")
        await administrator.press("Pause")
        assert "Paused. What is done stays" in await administrator.text()
        await administrator.page.locator("#run .chip", has_text="Paused").wait_for()
        await fresh.settled()  # the page that was being processed is finished
        (paused,) = await runs(fresh)
        assert paused.state is run_documents.RunState.PAUSED
        assert paused.done < paused.total

        await fresh.connector.kill()
        await fresh.connector.start()
        await administrator.open(f"/run/{paused.id}")
        await administrator.press("Resume")
        await asyncio.sleep(0.3)  # into a page
        await fresh.connector.kill()
        await fresh.connector.start()
        await administrator.open(f"/run/{paused.id}")
        await picture(administrator, "run")
        await administrator.page.locator("#run .chip", has_text="Completed").wait_for(timeout=60_000)

        assert await administrator.page.get_by_role("button", name="Pause").count() == 0
        await assert_usable(administrator)
        await _assert_complete(administrator, fresh)


async def _assert_complete(administrator: Visitor, world: World) -> None:
    """Everybody was counted once; the CSV names whoever was not passed on."""
    (run,) = await runs(world)
    assert run.done == run.total == sum(run.counts.values())
    async with administrator.page.expect_download() as download:
        await administrator.page.get_by_role("link", name="CSV of who was not passed on").click()
    rows = list(csv.DictReader((await (await download.value).path()).read_text().splitlines()))
    assert len({row["record"] for row in rows}) == len(rows) == run.not_passed_on
    assert {row["reason"] for row in rows} >= {"no-email", "invalid-email"}
    assert await world.queue.dead_letters() == []


async def test_the_terminal_starts_and_watches_a_run(fresh: World) -> None:
    environment = {**os.environ, **fresh.connector.settings}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared", "sync", "lead",
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 0, err.decode()
    assert "completed" in out.decode()
    assert "Created in Spotler." in out.decode()


async def test_a_run_is_started_and_stopped_over_http(fresh: World) -> None:
    started = await fresh.connector.call("POST", "/api/runs", {"table": "account", "total": 10})
    assert started.status_code == HTTPStatus.ACCEPTED
    again = await fresh.connector.call("POST", "/api/runs", {"table": "account"})
    assert again.status_code in {HTTPStatus.CONFLICT, HTTPStatus.ACCEPTED}

    await fresh.settled()
    answer = await fresh.connector.call("GET", "/api/runs")
    assert answer.json()["runs"][0]["state"] == "completed"
    path = f"/api/runs/{answer.json()['runs'][0]['id']}"
    over = await fresh.connector.call("POST", path, {"act": "pause"})
    assert over.status_code == HTTPStatus.CONFLICT
    assert (await fresh.connector.call("POST", "/api/runs/77", {"act": "stop"})).status_code == HTTPStatus.NOT_FOUND


async def test_the_overview_shows_where_people_stand(browser: Browser, fresh: World) -> None:
    for _ in range(3):
        await fresh.synchronised()
    await fresh.connector.call("POST", "/api/poll", {})
    await fresh.connector.call("POST", "/admin/functions/watch", key=fresh.connector.master)
    await asyncio.sleep(0.5)
    async with visitor(browser, fresh) as administrator:
        await administrator.open("")
        text = await administrator.text()
        await picture(administrator, "overview")

    assert "On time in both directions" in text
    assert "people stand" in text
    assert "Left out on purpose" in text
    assert "Created in Spotler." in text
