"""A deployment installs the Dataverse side over real requests, and finishes what a killed run began."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from enum import Enum, auto
from pathlib import Path
from uuid import NAMESPACE_DNS, UUID, uuid5

import pytest
import pytest_asyncio

from shared.adapters.dataverse.records.tables import JOB_STATES, JOBS
from shared.adapters.dataverse.web_api.credentials import ClientSecret
from shared.composition.first_mapping import DEFAULT_MAPPING
from shared.deployment.change_test import ChangeEnd, ChangeTest, Way
from shared.deployment.command_line.az import AzAnswer
from shared.deployment.command_line.azure import Azure
from shared.deployment.dataverse_side import Known
from shared.deployment.request import DeploymentRequest, Installation
from shared.domain.records.jobs import JobStatus
from shared.errors import ConfigurationError
from shared.local.commands.provisioning.installed_side import JOB_NAME, ByInstaller
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation
from tests.programs.azure_stand_in import QUEUE_KEY, AzureStandIn

CLIENT = str(uuid5(NAMESPACE_DNS, "identity"))
KNOWN = Known(CLIENT, "sb-1.servicebus.windows.net", DEFAULT_MAPPING.read_text(encoding="utf-8"))
MAPPING = DEFAULT_MAPPING.read_text(encoding="utf-8")
HERE = Installation(
    app="func-1", host="func-1.azurewebsites.net", client_id=CLIENT, namespace="sb-1.servicebus.windows.net",
    queue="dataverse-events", rule="dataverse", vault="kv-1", storage="st1", container="app-package",
)  # fmt: skip


class Killed(BaseException):
    """The command ended here."""


class Side:
    """The installer's side of a deployment, called as the command calls it: without a loop of its own."""

    def __init__(self, organisation: DataverseOrganisation, folder: Path, secret: str = "sandbox") -> None:
        self.organisation = organisation
        self.said: list[str] = []
        self.killed_after = 10_000
        self.request = DeploymentRequest(Path(), "a-group", "test", "westeurope", organisation.url)
        self._az = AzureStandIn(groups=["a-group"])
        self._side = ByInstaller(
            Azure(self, self._say, lambda _seconds: None),
            credential=ClientSecret("contoso", "sandbox", secret),
            authority=organisation.url,
            originals=folder,
            sleep=self._at_once,
        )
        self.at_look: dict[int, JobStatus] = {}
        self._looks = 0
        self._loop = asyncio.get_running_loop()

    def run(self, *arguments: str) -> AzAnswer:
        return AzAnswer(*self._az.answer(list(arguments)))

    def _say(self, text: str) -> None:
        self.said.append(text)
        if len(self.said) == self.killed_after:
            raise Killed

    async def _at_once(self, seconds: float) -> None:
        """Let no time pass, but let the app of the organisation work at the job of the test."""
        if seconds == 10:
            self._looks += 1
            if status := self.at_look.get(self._looks):
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._set(status), self._loop))

    async def _set(self, status: JobStatus) -> None:
        [job] = await self.organisation.rows(JOBS, "dh_spotlerjobid", "dh_name", "dh_operation")
        assert (job["dh_name"], job["dh_operation"]) == (JOB_NAME, 480000004)
        state, reason = JOB_STATES[status]
        await self.organisation.client.update(
            JOBS, UUID(job["dh_spotlerjobid"]), {"statecode": state, "statuscode": reason, "dh_resultcode": "403"}
        )

    async def plan(self, known: Known) -> list[str]:
        return await asyncio.to_thread(self._side.plan, self.request, known)

    async def examine(self, known: Known) -> list[str]:
        return await asyncio.to_thread(self._side.examine, self.request, known)

    async def prepare(self) -> str:
        return await asyncio.to_thread(self._side.prepare, self.request, HERE)

    async def connect(self) -> str:
        return await asyncio.to_thread(self._side.connect, self.request, HERE, MAPPING)

    async def try_change(self) -> ChangeTest:
        return await asyncio.to_thread(self._side.try_change, self.request)


@pytest_asyncio.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    async with open_organisation(bare=True) as organisation:
        yield Side(organisation, tmp_path)


class State(Enum):
    """How far a deployment has got: `prepare` has ended, or `connect` as well."""

    PREPARED = auto()
    CONNECTED = auto()


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Mapping[State, Path]:
    """Snapshots of an organisation after each step of one deployment."""
    folder = tmp_path_factory.mktemp("states")
    found = {state: folder / f"{state.name}.json" for state in State}

    async def deploy() -> None:
        async with open_organisation(bare=True) as organisation:
            side = Side(organisation, folder)
            for state, step in ((State.PREPARED, side.prepare), (State.CONNECTED, side.connect)):
                await step()
                found[state].write_text(json.dumps(await organisation.control("snapshot")), encoding="utf-8")

    asyncio.run(deploy())
    return found


@pytest_asyncio.fixture
async def installed_side(
    request: pytest.FixtureRequest, states: Mapping[State, Path], tmp_path: Path
) -> AsyncIterator[Side]:
    """The side of an organisation into which an earlier deployment has installed everything, or as much as `param`."""
    state: State = getattr(request, "param", State.CONNECTED)
    async with open_organisation(snapshot=states[state]) as organisation:
        yield Side(organisation, tmp_path)


prepared = pytest.mark.parametrize("installed_side", [State.PREPARED], indirect=True)


@prepared
async def test_the_identity_gets_its_user_and_the_queue_its_endpoint_and_steps(installed_side: Side) -> None:
    side, organisation = installed_side, installed_side.organisation
    assert await organisation.rows("serviceendpoints", "name") == []
    users = await organisation.rows("systemusers", "applicationid")
    assert CLIENT in {user["applicationid"] for user in users}

    await side.connect()

    [endpoint] = await organisation.rows("serviceendpoints", "path", "solutionnamespace")
    assert (endpoint["path"], endpoint["solutionnamespace"]) == ("dataverse-events", "sb-1")
    steps = {row["name"]: row["filteringattributes"] for row in await organisation.rows(
        "sdkmessageprocessingsteps", "name", "filteringattributes")}  # fmt: skip
    assert "emailaddress1" in steps["Spotler Connector: Update of contact"].split(",")
    assert not [text for text in side.said if QUEUE_KEY in text]


async def test_the_next_deployment_changes_the_key_alone(installed_side: Side) -> None:
    assert await installed_side.prepare() == "Dataverse is as it should be, after 0 changes"
    assert await installed_side.connect() == "Dataverse is as it should be, after 1 changes"


@pytest.mark.slow  # test_killed_installation.py kills one as well
async def test_an_installation_that_is_killed_twice_is_finished_by_the_next_run(side: Side) -> None:
    for changes in (9, 40):
        side.killed_after = len(side.said) + changes
        with pytest.raises(Killed):
            await side.prepare()
    side.killed_after = 10_000

    await side.prepare()

    assert await side.prepare() == "Dataverse is as it should be, after 0 changes"


async def test_who_has_no_rights_in_dataverse_is_told_what_to_do(side: Side) -> None:
    stranger = Side(side.organisation, Path(), secret="of another app")

    with pytest.raises(ConfigurationError, match="--without dataverse"):
        await stranger.prepare()


@prepared
async def test_the_plan_names_what_both_steps_would_change_and_changes_nothing(
    side: Side, installed_side: Side
) -> None:
    new = await side.plan(Known())
    assert "Dataverse: create table dh_spotlerjob" in new
    assert new[-2:] == [
        "Dataverse: create user of the identity, when that exists",
        "Dataverse: the service endpoint and its steps, when the app tells its mapping",
    ]
    assert await side.organisation.rows("publishers", "uniquename", filter="uniquename eq 'spotlerconnector'") == []

    side = installed_side
    planned = await side.plan(KNOWN)

    assert planned[0] == "Dataverse: create endpoint Spotler Connector"
    assert "Dataverse: create step Spotler Connector: Update of contact" in planned
    assert await side.organisation.rows("serviceendpoints", "name") == []

    await side.connect()
    assert await side.plan(KNOWN) == []


async def test_what_keeps_messages_of_dataverse_from_the_app_is_found_with_its_cure(installed_side: Side) -> None:
    side = installed_side
    assert await side.examine(KNOWN) == []
    client = side.organisation.client
    [step] = await side.organisation.rows(
        "sdkmessageprocessingsteps",
        "sdkmessageprocessingstepid",
        filter="name eq 'Spotler Connector: Update of contact'",
    )
    identifier = UUID(step["sdkmessageprocessingstepid"])
    await client.update("sdkmessageprocessingsteps", identifier, {"statecode": 1, "statuscode": 2})
    refused = "A SASKey has not been configured for ServiceEndpoint"
    for _ in range(2):
        job = {"name": "job", "operationtype": 1, "friendlymessage": refused}
        job["owningextensionid@odata.bind"] = f"/sdkmessageprocessingsteps({identifier})"
        created = await client.create("asyncoperations", job, key="asyncoperationid")
        await client.update("asyncoperations", created, {"statecode": 3, "statuscode": 31})

    off, failed = await side.examine(KNOWN)

    assert "the step Spotler Connector: Update of contact is switched off".casefold() in off.casefold()
    assert failed.startswith("Dataverse: 2 System Jobs of the service endpoint failed within a day")
    assert f"{refused}. Run python -m shared deploy" in failed


async def test_the_application_user_without_its_role_is_found(installed_side: Side) -> None:
    side = installed_side
    [user] = await side.organisation.rows("systemusers", "systemuserid", filter=f"applicationid eq {CLIENT}")
    await side.organisation.client.update("systemusers", UUID(user["systemuserid"]), {"isdisabled": True})

    [found] = await side.examine(KNOWN)

    assert found.startswith(f"Dataverse: user {CLIENT}: is disabled; run python -m shared deploy")


@pytest.mark.parametrize(
    ("seen", "end"),
    [
        ({2: JobStatus.IN_PROGRESS, 3: JobStatus.COMPLETED}, ChangeEnd.DONE),
        ({1: JobStatus.FAILED}, ChangeEnd.REFUSED),
        ({5: JobStatus.IN_PROGRESS}, ChangeEnd.NOT_ENDED),
        ({}, ChangeEnd.NOT_TAKEN),
    ],
    ids=["done", "refused", "not-ended", "not-taken"],
)
async def test_the_end_of_the_test_job_is_the_end_of_the_test(
    installed_side: Side, seen: dict[int, JobStatus], end: ChangeEnd
) -> None:
    installed_side.at_look = seen

    test = await installed_side.try_change()

    assert (test.way, test.end) == (Way.DATAVERSE, end)
    assert test.code == ("403" if seen else "")
