"""ML-02, AUD-01: an organisation without Dynamics 365 Sales, which has neither marketing lists nor leads."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable
from tests.scenario.job_acts import done, look
from tests.scenario.list_acts import OK
from tests.scenario.world import World, open_world, permissions

pytestmark = pytest.mark.asyncio(loop_scope="session")

_POWER_APPS = {"tables": dict.fromkeys(("list", "listmember", "lead"))}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def power_apps(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("power-apps")
    (customised := folder / "customised.json").write_text(json.dumps(_POWER_APPS), encoding="utf-8")
    async with open_world(folder, "--customised", str(customised), SYNC_TABLES="contact,account") as opened:
        await opened.connector.start()
        yield opened


@pytest.mark.parametrize("path", ["lists", "leads", "dh_spotlerjobs?$select=_dh_listid_value"])
async def test_the_organisation_of_these_scenarios_has_no_lists_and_no_leads(power_apps: World, path: str) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        await power_apps.dynamics.read(path)


@pytest.mark.parametrize("table", [PersonTable.CONTACT, PersonTable.ACCOUNT])
async def test_ml_02_aud_01_people_are_synchronised_and_audiences_by_job_do_what_lists_would(
    power_apps: World, table: PersonTable
) -> None:
    first, second = await power_apps.synchronised(table), await power_apps.bring_in(table)
    name = f"Zonder lijsten {table}"

    for person in (first, second):
        job = await done(power_apps, Operation.ADD_TO_AUDIENCE, person, dh_parametername=name)
        assert (job.status, job.code) == OK

    (audience,) = [one for one, called in (await look(power_apps, "list-names")).items() if called == name]
    assert sorted((await look(power_apps, "audiences"))[audience]) == sorted([first.id, second.id])
    await done(power_apps, Operation.REMOVE_FROM_AUDIENCE, first, dh_parametername=name)
    assert (await look(power_apps, "audiences"))[audience] == [second.id]


async def test_ml_02_a_permission_row_is_followed(power_apps: World) -> None:
    person = await power_apps.synchronised()

    await power_apps.permit(person, "Newsletter")

    await power_apps.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})


async def test_ml_02_sync_list_says_that_there_is_no_list(power_apps: World) -> None:
    job = await done(power_apps, Operation.SYNC_LIST)

    assert (job.status, job.code) == (JobStatus.FAILED, "[JOB_NOT_VALID]")
    assert "needs a Marketing List" in job.text
