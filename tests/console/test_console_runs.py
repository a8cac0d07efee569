"""Runs: an initial synchronisation that is watched, paused, killed, resumed and finished."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from playwright.async_api import expect

from shared.dispatch import runs as run_documents
from tests.console.visitors.usable import assert_usable, picture
from tests.console.visitors.visitor import Visitor, Windows
from tests.programs.times import LONGEST_WAIT
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).resolve().parents[2]


async def runs(world: World) -> list[run_documents.Run]:
    return list(await run_documents.Runs(world.store, None, "default").latest())


@pytest.mark.visits("runs/*/prepare", "runs/*/prepared", "run/*", "run/*/not-passed-on.csv")
@pytest.mark.presses("runs/*/start", "run/*/pause", "run/*/resume")
async def test_an_initial_synchronisation_survives_a_pause_and_a_kill(windows: Windows, trial: World) -> None:
    async with windows.visitor(trial) as administrator:
        await administrator.open("/runs/contact/prepare")
        assert "are left out" in await administrator.text()
        await assert_usable(administrator)
        await administrator.press("Start")
        await administrator.press("Pause")
        assert "Paused. What is done stays" in await administrator.text()
        await administrator.page.locator("#run .chip", has_text="Paused").wait_for()
        await trial.settled()  # the page that was being processed is finished
        (paused,) = await runs(trial)
        assert paused.state is run_documents.RunState.PAUSED
        assert paused.done < paused.total

        await trial.connector.kill()
        await trial.connector.start()
        await administrator.open(f"/run/{paused.id}")
        await administrator.press("Resume")
        await asyncio.sleep(0.3)  # into a page
        await trial.connector.kill()
        await trial.connector.start()
        await administrator.open(f"/run/{paused.id}")
        await picture(administrator, "run")
        await administrator.page.locator("#run .chip", has_text="Completed").wait_for(timeout=LONGEST_WAIT * 1000)

        assert await administrator.page.get_by_role("button", name="Pause").count() == 0
        await assert_usable(administrator)
        await _assert_complete(administrator, trial)
        await administrator.open("/runs/contact/prepare")
        assert "Nothing to send" in await administrator.text()


async def _assert_complete(administrator: Visitor, world: World) -> None:
    """Everybody was counted once; the CSV names whoever was not passed on."""
    (run,) = await runs(world)
    assert run.done == run.total == sum(run.counts.values())
    rows = await administrator.rows("CSV of who was not passed on")
    assert len({row["record"] for row in rows}) == len(rows) == run.not_passed_on
    assert {row["reason"] for row in rows} >= {"no-email", "invalid-email"}
    assert await world.queue.dead_letters() == []


async def test_the_terminal_starts_and_watches_a_run(trial: World) -> None:
    environment = {**os.environ, **trial.connector.settings}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared", "sync", "lead",
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 0, err.decode()
    assert "completed" in out.decode()
    assert "Created in Spotler." in out.decode()


async def test_a_run_is_started_and_stopped_over_http(trial: World) -> None:
    started = await trial.connector.call("POST", "/api/runs", {"table": "account", "total": 10})
    assert started.status_code == HTTPStatus.ACCEPTED
    again = await trial.connector.call("POST", "/api/runs", {"table": "account"})
    assert again.status_code in {HTTPStatus.CONFLICT, HTTPStatus.ACCEPTED}

    await trial.settled()
    forecast = (await trial.connector.call("GET", "/api/runs/from-spotler/forecast")).json()
    assert forecast["subscribersBecome"] == "none"
    answer = await trial.connector.call("GET", "/api/runs")
    assert answer.json()["runs"][0]["state"] == "completed"
    path = f"/api/runs/{answer.json()['runs'][0]['id']}"
    over = await trial.connector.call("POST", path, {"act": "pause"})
    assert over.status_code == HTTPStatus.CONFLICT
    assert (await trial.connector.call("POST", "/api/runs/77", {"act": "stop"})).status_code == HTTPStatus.NOT_FOUND


async def test_the_overview_shows_where_people_stand(windows: Windows, trial: World) -> None:
    for _ in range(3):
        await trial.synchronised()
    await trial.connector.call("POST", "/api/poll", {})
    await trial.connector.call("POST", "/admin/functions/watch", key=trial.connector.master)
    await asyncio.sleep(0.5)
    async with windows.visitor(trial) as administrator:
        await administrator.open("")
        text = await administrator.text()
        await picture(administrator, "overview")

    assert "On time in both directions" in text
    assert "people stand" in text
    assert "Left out on purpose" in text
    assert "Created in Spotler." in text


@asynccontextmanager
async def without_spotler(world: World) -> AsyncIterator[None]:
    """Let Spotler answer nobody while the block runs: what needs it goes on afterwards."""
    await world.spotler.post("faults", {"kind": "unavailable", "times": 1_000_000})
    try:
        yield
    finally:
        await world.spotler.recover()


@pytest.mark.visits("runs", "runs/mailings/prepared", "runs/from-spotler/prepared", "run/*/progress", "run/*/stop")
@pytest.mark.presses("runs/from-spotler", "runs/from-spotler/*", "runs/mailings", "runs/mailings/*", "run/*/stop")
async def test_what_waits_for_spotler_is_paused_resumed_and_stopped(windows: Windows, trial: World) -> None:
    await trial.settled()
    async with windows.visitor(trial) as administrator:
        await administrator.open("/runs/account/prepare")  # Spotler's properties are known afterwards
        await administrator.open("/runs")
        await _prepared(administrator, "All mailings to Dynamics")
        await administrator.page.get_by_text(" to Spotler, ").wait_for()
        async with without_spotler(trial):
            await _run_by_hand(administrator, "All mailings to Dynamics")
            await _prepared(administrator, "All Spotler contacts to Dynamics")
            await administrator.page.get_by_text("no record is made of them").wait_for()
            await _run_by_hand(administrator, "All Spotler contacts to Dynamics")
            await administrator.open("/runs/account/prepare")
            await administrator.press("Start")
            path = f"/api/runs/{administrator.page.url.rpartition('/')[2]}"
            assert (await trial.connector.call("POST", path, {"act": "pause"})).is_success
            await expect(administrator.page.locator("#run .chip")).to_have_text("Paused")  # by somebody else
            await administrator.follow("Stop …")
            assert "Stop for good at" in await administrator.heading()
            await administrator.press("Stop")
            assert "Stopped for good. What is done stays." in await administrator.text()


async def _prepared(administrator: Visitor, run: str) -> None:
    await administrator.page.locator("tr", has_text=run).first.get_by_text("Prepare …").click()


async def _run_by_hand(administrator: Visitor, run: str) -> None:
    """Start, pause, resume and stop a run of the page, whose form is open."""
    row = administrator.page.locator("tr", has_text=run).first
    for button, state in (("Start", "Running"), ("Pause", "Paused"), ("Resume", "Running"), ("Stop", "Stopped")):
        await row.get_by_role("button", name=button).click()
        await administrator.settled()
        await expect(row.locator(".chip")).to_have_text(state)
