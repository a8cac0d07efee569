"""The zip of a deployment, started with exactly the settings that the template gives, synchronises a contact."""

from __future__ import annotations

import asyncio
import json
import sys
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from shared.adapters.messaging.servicebus import ServiceBusQueue
from shared.adapters.storage.tables import TableStateStore
from shared.composition.connections import redact
from shared.deployment.package import build_package
from shared.domain.records.records import SyncStatus
from shared.ports.queue import QueueName
from tests.broker.broker import Broker
from tests.contract.service_bus import collect_forgotten_sockets
from tests.scenario.connector_process import SYSTEM
from tests.scenario.package.identity import identity_endpoint
from tests.scenario.world import Backends, World, open_world
from tests.unit.infra.templates import PROJECT, made, settings_of

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

GIVEN = settings_of(made("bare"))
HOST = Path(__file__).parent / "host.py"
NEEDED = ("DATAVERSE_URL", "SPOTLER_KEY", "SPOTLER_SECRET", "FINGERPRINT_KEY", "SERVICE_BUS__fullyQualifiedNamespace",
          "STATE_STORAGE__tableServiceUri")  # fmt: skip
"""Settings of the template that have no default."""


@dataclass(frozen=True)
class Azure:
    """What surrounds the app: services that stand in, the unpacked package, what Azure's own process gives."""

    world: World
    folder: Path
    broker: Broker
    tables: str
    identity: Mapping[str, str]
    table: str

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Resolve the settings of the template, one by one; what the template does not give is not there."""
        here = self.world.addresses.as_environment()
        found: dict[str, str] = {}
        for name, value in given.items():
            match name:
                case "SERVICE_BUS__fullyQualifiedNamespace":  # Service Bus would be reached by TLS and identity
                    found["SERVICE_BUS"] = self.broker.connection_string
                case "STATE_STORAGE__tableServiceUri":  # and so would the tables
                    found |= {"STATE_STORAGE": self.tables, "STATE_TABLE": self.table}
                case "DATAVERSE_URL" | "SPOTLER_KEY" | "SPOTLER_SECRET":
                    found[name] = here[name]
                case "APPLICATIONINSIGHTS_CONNECTION_STRING":
                    found[name] = (
                        "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=http://127.0.0.1:9/"
                    )
                case "FINGERPRINT_KEY":
                    found[name] = "resolved by the key vault, at random"
                case _:
                    found[name] = value.strip("<>")
        from_azure = {"WEBSITE_SITE_NAME": "func-1", **self.identity}
        names_of_services = {"SPOTLER_URL": here["SPOTLER_URL"]}  # a name of the internet, which leads here
        return {**SYSTEM, **found, **from_azure, **names_of_services, "HOME": str(self.folder.parent)}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    package = build_package(
        PROJECT, folder / "connector.zip", runtime=f"{sys.version_info.major}.{sys.version_info.minor}"
    )
    (folder / "site").mkdir()
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def azure(tmp_path_factory: pytest.TempPathFactory, azurite: str, unpacked: Path) -> AsyncIterator[Azure]:
    broker, table = Broker(lock_duration=timedelta(seconds=10)), f"package{uuid4().hex[:12]}"
    async with broker.running(), AsyncExitStack() as stack:
        backends = Backends(
            ServiceBusQueue.from_connection_string(broker.connection_string, redact=redact),
            TableStateStore.from_connection_string(azurite, table=table),
            {
                "SERVICE_BUS": broker.connection_string,
                "STATE_STORAGE": azurite,
                "FINGERPRINT_KEY": "of the scenarios only",
            },
            partial(_waiting, broker),
        )
        world = await stack.enter_async_context(open_world(tmp_path_factory.mktemp("azure"), backends=backends))
        client = GIVEN["DATAVERSE_CLIENT_ID"].strip("<>")
        identity = await stack.enter_async_context(identity_endpoint(world.addresses, client))
        yield Azure(world, unpacked, broker, azurite, identity, table)
    collect_forgotten_sockets()


async def _waiting(broker: Broker) -> int:
    return sum(len(broker.queues[name].messages) for name in QueueName)


@asynccontextmanager
async def started(azure: Azure, given: Mapping[str, str]) -> AsyncIterator[dict[str, Any] | str]:
    """Start the package; yields its introduction, or what it complained of as it ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HOST), str(azure.folder), cwd=azure.folder, env=azure.environment(given),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    line = await process.stdout.readline()
    try:
        yield json.loads(line) if line else (await process.stderr.read()).decode()
    finally:
        if process.returncode is None and line:
            process.kill()
        await process.communicate()


async def test_the_package_synchronises_a_contact_with_the_settings_of_the_template(azure: Azure) -> None:
    async with started(azure, GIVEN) as app:
        assert isinstance(app, dict), app
        assert app["foreign"] == []
        person = await azure.world.save()

        contact = await azure.world.in_spotler(person)
        status = await azure.world.status(person, SyncStatus.SUCCEEDED)

        assert contact["externalId"] == status.external_id
        await azure.world.settled()
    assert not list(azure.folder.rglob("*.db")), "nothing is embedded"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def starts(azure: Azure) -> Mapping[str, tuple[bool, str]]:
    """Whether the package starts without each of these settings, and what it says."""
    environments = {
        name: azure.environment({one: value for one, value in GIVEN.items() if one != name}) for name in NEEDED
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HOST), str(azure.folder), "--each", cwd=azure.folder, env=SYSTEM,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate(json.dumps(environments).encode())
    return {name: (does, said) for name, (does, said) in json.loads(output).items()}


@pytest.mark.parametrize("name", NEEDED)
async def test_without_a_setting_that_has_no_default_the_package_does_not_start(
    starts: Mapping[str, tuple[bool, str]], name: str
) -> None:
    does, complaint = starts[name]

    assert not does, "it runs without it"
    assert name in complaint


async def test_without_its_client_id_the_package_says_that_its_identity_gets_no_token(azure: Azure) -> None:
    without = {name: value for name, value in GIVEN.items() if not name.endswith("CLIENT_ID")}

    async with started(azure, without) as app, httpx.AsyncClient() as http:
        assert isinstance(app, dict), app
        answer = await http.get(f"{app['url']}/api/health", headers={"x-functions-key": app["key"]}, timeout=30)

    assert answer.status_code == 503
    assert "gave no token for Dataverse" in answer.json()["services"]["dataverse"]["cause"]
