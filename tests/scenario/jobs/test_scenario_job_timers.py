"""Timers around jobs, through the functions host: automations, the permissions variable, jobs that nobody heard of."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared.adapters.dataverse.records.tables import AUTOMATIONS, JOBS, VARIABLE_VALUES
from shared.domain.records.jobs import JobStatus, Operation
from shared.local.commands.connector import ROOT
from tests.scenario.connector_process import SYSTEM
from tests.scenario.world import Job, World, eventually, open_world

EVERY_SECOND = "* * * * * *"
NEVER = "0 0 0 1 1 *"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hurried(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world in which what happens twice a day, or every five minutes, happens every second."""
    schedules = dict.fromkeys(("AUTOMATIONS_SCHEDULE", "PERMISSIONS_SCHEDULE", "JOB_SWEEP_SCHEDULE"), EVERY_SECOND)
    folder = tmp_path_factory.mktemp("hurried")
    async with open_world(folder, **schedules, STUCK_JOBS_SCHEDULE=NEVER, MISSED_JOB_MINUTES="0") as opened:
        await opened.connector.start()
        yield opened


@pytest.mark.asyncio(loop_scope="module")
async def test_automations_and_campaigns_appear_in_dynamics(hurried: World) -> None:
    expected = {
        "🚀 Start Welcome": "voucher=<STRING>\nlink=<URL>\ncart={<PRODUCTLIST>}",
        "🚀 Start Birthday": None,
        "📢 Abandoned cart": None,
    }

    async def look() -> dict[str, Any] | None:
        rows = (await hurried.dynamics.read(AUTOMATIONS))["value"]
        return {row["dh_name"]: row["dh_fields"] for row in rows} if len(rows) == len(expected) else None

    assert await eventually(look, "three automations") == expected


@pytest.mark.asyncio(loop_scope="module")
async def test_the_permissions_variable_follows_spotler_until_it_is_switched_off(hurried: World) -> None:
    async def value() -> str:
        values = (await hurried.dynamics.read(VARIABLE_VALUES))["value"]
        return str(values[0]["value"]) if values else ""

    names = await eventually(value, "a value of the variable")
    assert names.endswith(";")
    assert "Newsletter" in names.split(";")
    (row,) = (await hurried.dynamics.read(VARIABLE_VALUES))["value"]
    await hurried.dynamics.change(VARIABLE_VALUES, row["environmentvariablevalueid"], {"value": ";"})
    reads = await _reads_of_variables(hurried)

    async def looked_again() -> bool:
        return await _reads_of_variables(hurried) > reads + 1

    await eventually(looked_again, "another daily update")
    assert await value() == ";"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_job_of_which_no_message_came_is_done_all_the_same(hurried: World) -> None:
    person = await hurried.synchronised()
    row = {
        "dh_name": "Imported",
        "dh_operation": int(Operation.SYNC_CONTACT),
        "dh_CustomerId_contact@odata.bind": f"/{person.path}",
    }
    job = await hurried.dynamics.bring_in(JOBS, row)
    ended = await hurried.ended(job)
    assert ended.status is JobStatus.COMPLETED


@pytest.mark.asyncio(loop_scope="module")
async def test_a_job_that_a_worker_began_long_ago_is_not_in_progress_for_ever(hurried: World) -> None:
    row: dict[str, Any] = {"dh_name": "Lost", "statuscode": 480000000, "dh_startedon": "2026-01-01T00:00:00Z"}
    row |= {"dh_operation": int(Operation.ADD_TAG), "dh_parametername": "Zoek"}
    job = await hurried.ended(await hurried.dynamics.bring_in(JOBS, row))
    assert job == Job(JobStatus.COMPLETED, "OK", 'Tag "Zoek" created in Spotler.')


@pytest.mark.asyncio(loop_scope="module")
async def test_health_tells_of_stuck_jobs_and_of_what_is_switched_on(hurried: World) -> None:
    two_hours_ago = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await hurried.dynamics.bring_in(JOBS, {"dh_name": "Old", "statuscode": 480000000, "dh_startedon": two_hours_ago})
    health = (await hurried.connector.call("GET", "/api/health")).json()
    assert health["jobs"] == {"queuedTooLong": 0, "inProgressTooLong": 1}
    assert health["capabilities"]["tags"] is True


@pytest.mark.asyncio(loop_scope="module")
async def test_the_connection_is_checked_over_http(hurried: World) -> None:
    answer = await hurried.connector.call("POST", "/api/capabilities/check")
    assert answer.status_code == 200
    found = {one["capability"]: (one["verdict"], one["on"]) for one in answer.json()["capabilities"]}
    assert found == dict.fromkeys(
        ("tags", "scores", "automation-list", "automation-fields", "automation-stop"), ("proven", True)
    )
    assert (await hurried.connector.call("POST", "/api/capabilities/check", key="wrong")).status_code == 401


@pytest.mark.asyncio(loop_scope="module")
async def test_the_connection_is_checked_by_a_command_that_tells_no_secret(hurried: World) -> None:
    settings = {**SYSTEM, **hurried.connector.settings}
    check = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shared", "check"), stdout=PIPE, stderr=PIPE, env=settings, cwd=ROOT
    )
    printed, _ = await check.communicate()
    assert check.returncode == 0
    lines = printed.decode().splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["on", capability, "proven:"]
        for capability in ("tags", "scores", "automation-list", "automation-fields", "automation-stop")
    ]
    assert settings["SPOTLER_SECRET"] not in printed.decode()


async def _reads_of_variables(world: World) -> int:
    counters = await world.dynamics.counters()
    return sum(count for name, count in counters.items() if "environmentvariabledefinitions" in name)
