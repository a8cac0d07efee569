"""Calls that Spotler has not published: a real account is not asked for them until a check has proven them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from shared.domain.records.jobs import JobStatus, Operation
from tests.scenario.job_acts import automation_rows, done, tags
from tests.scenario.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

WELCOME = "bc0a5d1e-3c52-4f0b-8f6c-5a0e2a4c9b01"
ORDERS: tuple[tuple[Operation, Mapping[str, str]], ...] = (
    (Operation.ADD_TAG, {"dh_parametername": "Lead"}),
    (Operation.REMOVE_TAG, {"dh_parametername": "Lead"}),
    (Operation.SET_SCORE, {"dh_parametername": "Lead", "dh_parametervalue": "4"}),
    (Operation.INCREASE_SCORE, {"dh_parametername": "Lead", "dh_parametervalue": "3"}),
    (Operation.DECREASE_SCORE, {"dh_parametername": "Lead", "dh_parametervalue": "2"}),
    (Operation.START_AUTOMATION, {"dh_parametername": WELCOME, "dh_automationfields": "voucher=X1"}),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose Spotler does not look like the sandbox: 127.1 is this machine under another name."""
    async with open_world(tmp_path_factory.mktemp("real")) as opened:
        address = opened.connector.settings["SPOTLER_URL"].replace("127.0.0.1", "127.1")
        await opened.connector.start(SPOTLER_URL=address)
        yield opened


async def test_jobs_that_need_what_is_not_proven_fail_with_that_reason_until_the_check(real: World) -> None:
    person = await real.synchronised()
    for operation, columns in ORDERS:
        job = await done(real, operation, person, **columns)
        assert (job.status, job.code) == (JobStatus.FAILED, "CAPABILITY_OFF")
        assert "An administrator can run the connection check" in job.text
    assert await tags(real, person) == {}
    unlisted = await done(real, Operation.REFRESH_AUTOMATIONS)
    assert unlisted.status is JobStatus.COMPLETED, "campaigns can be listed: their call is published"
    assert "Spotler could not be asked for automations: an administrator must run the" in unlisted.text
    assert list(await automation_rows(real)) == ["📢 Abandoned cart"]

    assert (await real.connector.call("POST", "/api/capabilities/check")).status_code == 200

    for operation, columns in ORDERS:
        job = await done(real, operation, person, **columns)
        assert (job.status, job.code) == (JobStatus.COMPLETED, "OK")
    assert await tags(real, person) == {"Lead": 5}
    listed = await done(real, Operation.REFRESH_AUTOMATIONS)
    assert "could not be asked" not in listed.text
    assert {"🚀 Start Welcome", "🚀 Start Birthday"} <= (await automation_rows(real)).keys()


async def test_published_calls_work_without_a_check(real: World) -> None:
    started = await done(
        real, Operation.START_AUTOMATION, await real.synchronised(), dh_parametername=WELCOME, dh_automationfields=""
    )
    assert (started.status, started.code) == (JobStatus.COMPLETED, "OK")
