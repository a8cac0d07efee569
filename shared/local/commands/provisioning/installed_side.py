"""The Dataverse side of a deployment, by the installer: what `deploy` and the hooks of azd do in Dataverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx

from shared.adapters.dataverse.records.tables import JOB_STATUS, JOBS
from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import PUBLIC_CLOUD, AzureCli, Credential, token_provider
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.deployment.change_test import LONGEST, PAUSE, ChangeEnd, ChangeTest, Way
from shared.deployment.command_line.azure import Azure
from shared.deployment.dataverse_side import Known
from shared.deployment.provisioning import queue_key
from shared.deployment.request import DeploymentRequest, Installation
from shared.domain.mapping.formats.yaml_format import from_yaml
from shared.domain.records.jobs import JobStatus, Operation
from shared.errors import ConfigurationError, ConnectorError
from shared.installation import plan
from shared.installation.components.kind import EVENT_KINDS, Kind
from shared.installation.components.pages.table import page_kinds
from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.state import ApplicationUser, DesiredState, Endpoint
from shared.installation.mapped_columns import mapped_columns
from shared.installation.messages import message_problems
from shared.installation.originals import FormFiles
from shared.installation.pages.reading import read_customisation
from shared.installation.plan import Step
from shared.installation.session import Goal, Session
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.publication import Publication
from shared.local.commands.local_settings import ROOT
from shared.local.commands.provisioning.install_command import LONGEST_WRITE, SERVICE_ROLE

JOB_NAME = "Deployment test"
_JOB_ID = "dh_spotlerjobid"
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class ByInstaller:
    """Implements `DataverseSide` with the rights of whoever is signed in.

    `originals` is where forms of others are kept as they were before their first change; `sleep` waits for seconds.
    """

    azure: Azure
    credential: Credential = field(default_factory=AzureCli)
    authority: str = PUBLIC_CLOUD
    originals: Path = ROOT / ".local" / "form-originals"
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def plan(self, request: DeploymentRequest, known: Known) -> list[str]:
        """Read the organisation, and compare it with what `prepare` and `connect` would install."""
        steps = [
            f"{step.action} {step.kind} {step.name}"
            for step in self._run(self._planned(request, known), goal="planned")
        ]
        later = () if known.mapping else ("the service endpoint and its steps, when the app tells its mapping",)
        user = () if known.client_id else ("create user of the identity, when that exists",)
        return [f"Dataverse: {line}" for line in (*steps, *user, *later)]

    def examine(self, request: DeploymentRequest, known: Known) -> list[str]:
        """Compare the organisation with what it should be, and look what becomes of its messages."""
        steps = self._run(self._planned(request, known), goal="examined")
        messages = self._run(self._messages(request), goal="examined")
        return [
            *(
                f"Dataverse: {step.kind} {step.name}: {step.reason}; run python -m shared deploy again"
                for step in steps
            ),
            *(f"Dataverse: {problem}" for problem in messages),
        ]

    def prepare(self, request: DeploymentRequest, installation: Installation) -> str:
        """Install everything but endpoint and steps; the application user belongs to the app's identity."""
        user = ApplicationUser(installation.client_id, SERVICE_ROLE)
        desired = replace(read_desired_state({}), user=user)
        return self._run(self._reach(request, desired, set(Kind) - EVENT_KINDS))

    def connect(self, request: DeploymentRequest, installation: Installation, mapping: str) -> str:
        """Install endpoint and steps. The key is written each time: it may have been renewed."""
        desired = read_desired_state(mapped_columns(from_yaml(mapping)))
        key = queue_key(self.azure, request, installation)
        endpoint = Endpoint(desired.endpoint_name, installation.namespace, installation.queue, installation.rule, key)
        return self._run(self._reach(request, replace(desired, endpoint=endpoint), EVENT_KINDS))

    def try_change(self, request: DeploymentRequest) -> ChangeTest:
        """Save a Spotler Job that concerns no person, and wait for its end."""
        return self._run(self._job(request))

    def _run(self, work: Coroutine[Any, Any, _Result], *, goal: str = "done") -> _Result:
        try:
            return asyncio.run(work)
        except ConnectorError as error:
            where = "".join(f", {note}" for note in getattr(error, "__notes__", ()))
            raise ConfigurationError(
                f"The Dataverse side is not {goal}{where}: {error}. Cure that and run the command again, which does "
                "the rest; without rights in Dataverse, leave it out (--without dataverse, in azd DEPLOY_WITHOUT)"
            ) from error

    async def _planned(self, request: DeploymentRequest, known: Known) -> list[Step]:
        """Return what differs from the desired state, as far as it is known; the key of the queue is not compared."""
        mapped = mapped_columns(from_yaml(known.mapping)) if known.mapping else {}
        desired = read_desired_state(mapped)
        if known.client_id:
            desired = replace(desired, user=ApplicationUser(known.client_id, SERVICE_ROLE))
        if known.namespace:
            endpoint = Endpoint(desired.endpoint_name, known.namespace, desired.queue, "")
            desired = replace(desired, endpoint=endpoint)
        kinds = set(Kind) if known.mapping else set(Kind) - EVENT_KINDS
        async with self._session(request, desired, kinds) as session:
            return plan.writes((await session.prepare(Goal.INSTALL)).steps)

    async def _messages(self, request: DeploymentRequest) -> list[str]:
        desired = read_desired_state({})
        async with self._dataverse(request) as dataverse:
            client = CustomizationClient(dataverse, solution=desired.solution.name, sleep=self.sleep)
            return await message_problems(client, desired.endpoint_name, datetime.now(UTC))

    async def _reach(self, request: DeploymentRequest, desired: DesiredState, kinds: Collection[Kind]) -> str:
        async with self._session(request, desired, kinds) as session:
            prepared = await session.prepare(Goal.INSTALL)
            await session.apply(prepared, self._tell)
            if left := await session.verify(Goal.INSTALL):
                names = ", ".join(f"{step.kind} {step.name}: {step.reason}" for step in left)
                raise ConfigurationError(f"it is still not as it should be ({names})")
            return f"Dataverse is as it should be, after {len(plan.writes(prepared.steps))} changes"

    def _tell(self, what: Step | Publication) -> None:
        match what:
            case Step():
                self.azure.say(f"Dataverse: {what.action} {what.kind} {what.name}")
            case _:
                self.azure.say(f"Dataverse: publish {len(what)} tables, scripts and pages, which may take a minute")

    async def _job(self, request: DeploymentRequest) -> ChangeTest:
        async with self._dataverse(request) as dataverse:
            identifier = uuid4()
            row = {
                _JOB_ID: str(identifier),
                "dh_name": JOB_NAME,
                "dh_operation": Operation.REFRESH_AUTOMATIONS,
            }
            await dataverse.create(JOBS, row, key=_JOB_ID)
            passed, status, code = 0.0, JobStatus.QUEUED, ""
            while passed < LONGEST and not status.is_final:
                await self.sleep(PAUSE)
                passed += PAUSE
                status, code = await _state(dataverse, identifier)
            return ChangeTest(Way.DATAVERSE, _END[status], code)

    @asynccontextmanager
    async def _session(
        self, request: DeploymentRequest, desired: DesiredState, kinds: Collection[Kind]
    ) -> AsyncIterator[Session]:
        async with self._dataverse(request) as dataverse:
            client = CustomizationClient(dataverse, solution=desired.solution.name, sleep=self.sleep)
            keep = FormFiles(self.originals / httpx.URL(request.dataverse_url).host).keep
            pages = page_kinds(read_customisation(), keep, frozenset())
            yield Session(client, desired, sleep=self.sleep, only=kinds, pages=pages)

    @asynccontextmanager
    async def _dataverse(self, request: DeploymentRequest) -> AsyncIterator[DataverseClient]:
        tokens = token_provider(self.credential, request.dataverse_url, authority=self.authority)
        async with DataverseClient(request.dataverse_url, tokens, read_timeout=LONGEST_WRITE) as client:
            yield client


_END = {
    JobStatus.QUEUED: ChangeEnd.NOT_TAKEN,
    JobStatus.IN_PROGRESS: ChangeEnd.NOT_ENDED,
    JobStatus.COMPLETED: ChangeEnd.DONE,
    JobStatus.FAILED: ChangeEnd.REFUSED,
}


async def _state(dataverse: DataverseClient, job: UUID) -> tuple[JobStatus, str]:
    """Return the status of a job and its result code."""
    of_that_id = odata.compare(_JOB_ID, ODataComparison.EQUAL, job)
    pages = dataverse.query(JOBS, select=("statuscode", "dh_resultcode"), filter=of_that_id)
    async for page in pages:
        for row in page:
            return JOB_STATUS[row["statuscode"]], row["dh_resultcode"] or ""
    raise ConfigurationError("the Spotler Job of the test was deleted")
