"""Jobs by the hundreds at once, while networks break: every job ends with the truth, and nothing is done twice."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.dataverse.records.tables import JOB_STATUS, JOBS
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import SyncStatus
from tests.examples import thinned
from tests.scenario.job_acts import ask, look
from tests.scenario.world import Person, World, eventually, open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")

_AT_ONCE = 16
_SHARE = 0.05
_CONNECTOR_ONLY = r"^(POST \$batch$|PATCH dh_)"
"""Requests to Dataverse that only the connector makes: the users' own must get through."""

_SPOTLER_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "throttled", "retryAfter": 1},
    {"kind": "server-error"},
    {"kind": "server-error", "moment": "after"},
    {"kind": "reset"},
    {"kind": "reset", "moment": "after"},
    {"kind": "unavailable"},
    {"kind": "truncated", "moment": "after"},
)
_DATAVERSE_FAULTS = [
    {"kind": kind, "rate": _SHARE / 3, "match": _CONNECTOR_ONLY} for kind in ("unavailable", "reset", "reset_after")
]

WELCOME = "bc0a5d1e-3c52-4f0b-8f6c-5a0e2a4c9b01"
LIST = "Zomeractie"
ORDERS: tuple[tuple[Operation, dict[str, str]], ...] = (
    (Operation.ADD_TAG, {"dh_parametername": "Zomer"}),
    (Operation.ADD_TO_AUDIENCE, {"dh_parametername": LIST}),
    (Operation.START_AUTOMATION, {"dh_parametername": WELCOME}),
    (Operation.INCREASE_SCORE, {"dh_parametername": "Lead", "dh_parametervalue": "3"}),
)


async def side_by_side(acts: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Let many act at once, as many as a client has connections."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def run_in_thread(act: Coroutine[Any, Any, Any]) -> Any:
        async with slots:
            return await act

    return await asyncio.gather(*(run_in_thread(act) for act in acts))


@asynccontextmanager
async def breakage(world: World) -> AsyncIterator[None]:
    """Let one call in twenty fail, on both sides, before or after it had its effect."""

    async def sabotage() -> None:
        kinds = itertools.cycle(_SPOTLER_FAULTS)
        planned = 0
        begin = sum((await world.spotler.requests()).values())
        while True:
            calls = sum((await world.spotler.requests()).values()) - begin
            while planned < calls * _SHARE:
                await world.spotler.post("faults", next(kinds))
                planned += 1
            await asyncio.sleep(0.02)

    await world.dynamics.cause("faults", {"rules": _DATAVERSE_FAULTS})
    saboteur = asyncio.create_task(sabotage())
    try:
        yield
    finally:
        saboteur.cancel()
        with suppress(asyncio.CancelledError):
            await saboteur
        await world.spotler.recover()
        await world.dynamics.cause("faults", {})


async def all_jobs(world: World) -> list[dict[str, Any]]:
    """Read every job's operation, person and result."""
    query = f"{JOBS}?$select=dh_operation,statuscode,dh_resultcode,_dh_customerid_value"
    rows: list[dict[str, Any]] = (await world.dynamics.read(query))["value"]
    return rows


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=pytest.mark.slow)])
async def test_many_jobs_in_a_storm_all_end_with_the_truth_and_nothing_is_done_twice(
    tmp_path: Path, count: int
) -> None:
    async with open_world(tmp_path, CLAIM_SECONDS="10", LOCAL_LOCK_SECONDS="12") as world:
        await world.connector.start()
        people: list[Person] = await side_by_side([world.bring_in() for _ in range(count)])

        async with breakage(world):
            await side_by_side(
                [ask(world, operation, person, **columns) for operation, columns in ORDERS for person in people]
            )
            await world.settled(timeout_s=60 + count / 4)

        contacts = {one["externalId"]: one for one in await world.spotler.contacts()}
        started = Counter(run["externalContactId"] for run in await look(world, "automation-runs"))
        (members,) = (await look(world, "audiences")).values()
        jobs = await all_jobs(world)
        assert len(jobs) == count * len(ORDERS)
        for row in jobs:
            person, status, code = row["_dh_customerid_value"], JOB_STATUS[row["statuscode"]], row["dh_resultcode"]
            match Operation(row["dh_operation"]):
                case Operation.ADD_TAG:
                    assert (status, code) == (JobStatus.COMPLETED, "OK")
                    assert "Zomer" in contacts[person]["tags"]
                case Operation.ADD_TO_AUDIENCE:
                    assert (status, code) == (JobStatus.COMPLETED, "OK")
                    assert person in members
                case Operation.START_AUTOMATION:
                    assert_done_once_or_unknown(status, code, started[person])
                case _:
                    assert_done_once_or_unknown(status, code, contacts[person]["tags"].get("Lead", 0) / 3)
        assert await world.queue.dead_letters() == []
        assert (await world.status(people[0], SyncStatus.SUCCEEDED)).external_id == people[0].id


def assert_done_once_or_unknown(status: JobStatus, code: str, times: float) -> None:
    """A job that is done at most once says so, or that nobody knows."""
    if status is JobStatus.COMPLETED:
        assert (code, times) == ("OK", 1)
    else:
        assert (status, code) == (JobStatus.FAILED, "outcome-unknown")
        assert times in {0, 1}


async def test_a_hundred_people_go_into_a_list_with_a_few_calls(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        people: list[Person] = await side_by_side([world.bring_in() for _ in range(100)])
        await side_by_side([ask(world, Operation.ADD_TO_AUDIENCE, person, dh_parametername=LIST) for person in people])
        await world.connector.start()
        await world.settled()

        (members,) = (await look(world, "audiences")).values()
        assert set(members) == {person.id for person in people}
        assert (await world.spotler.requests())["audience.add"] <= 10
        assert {JOB_STATUS[row["statuscode"]] for row in await all_jobs(world)} == {JobStatus.COMPLETED}


@pytest.mark.parametrize("operation", thinned([Operation.START_AUTOMATION, Operation.INCREASE_SCORE]))
async def test_a_connector_that_dies_in_the_middle_starts_and_counts_nothing_twice(
    tmp_path: Path, operation: Operation
) -> None:
    columns = dict(ORDERS)[operation]
    async with open_world(tmp_path, CLAIM_SECONDS="3", LOCAL_LOCK_SECONDS="4") as world:
        await world.connector.start()
        people = [await world.synchronised() for _ in range(10)]
        call = {Operation.START_AUTOMATION: "automation.trigger", Operation.INCREASE_SCORE: "contact.score"}[operation]
        await world.spotler.post(
            "faults", {"kind": "time-out", "hold": 20, "moment": "after", "operation": call, "times": 4}
        )
        await side_by_side([ask(world, operation, person, **columns) for person in people])

        async def is_hanging() -> bool:
            return (await world.spotler.requests()).get(call, 0) > 0

        await eventually(is_hanging, "a call that hangs")
        await world.connector.kill()
        await world.spotler.recover()
        await world.connector.start()
        await world.settled()

        started = Counter(run["externalContactId"] for run in await look(world, "automation-runs"))
        contacts = {one["externalId"]: one for one in await world.spotler.contacts()}
        ends: Counter[str] = Counter()
        for row in await all_jobs(world):
            person = row["_dh_customerid_value"]
            times = (
                started[person]
                if operation is Operation.START_AUTOMATION
                else contacts[person]["tags"].get("Lead", 0) / 3
            )
            assert_done_once_or_unknown(JOB_STATUS[row["statuscode"]], row["dh_resultcode"], times)
            ends[row["dh_resultcode"]] += 1
        assert ends["outcome-unknown"] > 0
        assert ends.total() == len(people)
