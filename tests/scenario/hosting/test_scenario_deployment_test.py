"""What a deployment sends to test the way: it arrives, and changes nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from shared.adapters.dataverse.web_api.credentials import ClientSecret
from shared.deployment.change_test import ChangeEnd
from shared.deployment.command_line.azure import Azure
from shared.deployment.request import DeploymentRequest
from shared.deployment.web import health_of
from shared.local.commands.provisioning.installed_side import ByInstaller
from shared.local.sandbox.command import PEOPLE_CLIENT, PEOPLE_SECRET
from tests.programs.azure_stand_in import AzureStandIn
from tests.scenario.world import World, eventually
from tests.unit.deployment.stage import InProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_test_job_travels_through_all_parts(world: World) -> None:
    where = world.addresses.as_environment()
    organisation = where["DATAVERSE_URL"]

    async def soon(_seconds: float) -> None:
        await asyncio.sleep(0.3)

    side = ByInstaller(
        Azure(InProcess(AzureStandIn()), say=lambda _text: None),
        credential=ClientSecret(where["DATAVERSE_TENANT_ID"], PEOPLE_CLIENT, PEOPLE_SECRET),
        authority=where["DATAVERSE_AUTHORITY"],
        sleep=soon,
    )
    request = DeploymentRequest(Path(), "a-group", "test", "westeurope", organisation)

    test = await asyncio.to_thread(side.try_change, request)

    assert test.end is ChangeEnd.DONE, test


async def test_the_test_message_over_the_queue_finds_nothing_to_do(world: World) -> None:
    before = await world.erasures()
    letters = len(await world.queue.dead_letters())

    answer = await world.connector.call("POST", "/api/resync", {"table": "contact", "id": str(uuid4())})
    assert answer.status_code == 202

    async def taken() -> bool:
        report = await world.connector.call("GET", "/api/health")
        health = health_of(report.status_code, report.json())
        assert "contact" in health.tables
        return health.live is not None and health.live.active == 0

    await eventually(taken, "the live lane to be empty")
    await world.settled()
    assert await world.erasures() == before
    assert len(await world.queue.dead_letters()) == letters
