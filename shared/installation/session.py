"""One installation: read the organisation, plan, apply, verify by reading again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from shared.installation import plan
from shared.installation.components.events.endpoint_check import check_endpoint
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.table import kinds
from shared.installation.desired.state import DesiredState, Endpoint
from shared.installation.install import Installer, Report, Sleep, survey
from shared.installation.organisation.organisation import Organisation
from shared.installation.organisation.probe import read_organisation, refuse_unfit
from shared.installation.plan import Step
from shared.installation.preflight import foundations, refuse_missing_foundations, refuse_what_would_fail
from shared.installation.wire.customization_client import CustomizationClient


class Goal(Enum):
    """What a session is for."""

    INSTALL = auto()
    UNINSTALL = auto()
    UNINSTALL_WITH_DATA = auto()


@dataclass(frozen=True, slots=True)
class Prepared:
    """The organisation as it was found, and the steps that lead to the goal."""

    organisation: Organisation
    steps: Sequence[Step]


class Session:
    """An installation of one desired state into one organisation."""

    def __init__(
        self,
        client: CustomizationClient,
        desired: DesiredState,
        *,
        sleep: Sleep,
        only: Collection[Kind] = tuple(Kind),
        pages: Sequence[ComponentKind[Any, Any]] = (),
    ) -> None:
        """`only` limits the kinds; `sleep` waits for seconds; `pages` are the kinds that users see."""
        self._client = client
        self._desired = desired
        self._kinds = kinds(desired, pages)
        self._only = only
        self._sleep = sleep

    async def prepare(self, goal: Goal) -> Prepared:
        """Read the organisation and plan. Raises ConfigurationError where Dataverse would refuse a step of the plan."""
        prepared = await self._prepared(goal, self._desired)
        await refuse_what_would_fail(self._client, prepared.organisation, prepared.steps)
        if goal is Goal.INSTALL and (left_out := foundations(prepared.steps) - set(self._only)):
            surveys = await survey(self._client, self._kinds, self._desired, prepared.organisation, left_out)
            refuse_missing_foundations(plan.installation(surveys, prepared.organisation))
        return prepared

    async def apply(self, prepared: Prepared, report: Report) -> None:
        """Do what was planned. Raises the first error; the next run does the rest."""
        installer = Installer(self._client, self._kinds, report=report, sleep=self._sleep)
        await installer.apply(prepared.steps, prepared.organisation)

    async def verify(self, goal: Goal) -> list[Step]:
        """Read everything again, and return what still differs."""
        return plan.writes(await self.read(goal))

    async def read(self, goal: Goal) -> Sequence[Step]:
        """Read everything, and return the steps that would lead to the goal. A given key cannot be compared."""
        desired = self._desired
        if desired.endpoint is not None:
            desired = replace(desired, endpoint=replace(desired.endpoint, key=None))
        return (await self._prepared(goal, desired)).steps

    async def check_endpoint(self, prepared: Prepared) -> str | None:
        """Let Dataverse check an endpoint that was written; return what to do if it cannot use it."""
        if self._desired.endpoint is None or not any(
            step.kind is Kind.ENDPOINT for step in plan.writes(prepared.steps)
        ):
            return None
        return await check_endpoint(self._client, self._desired.endpoint)

    async def _prepared(self, goal: Goal, desired: DesiredState) -> Prepared:
        if desired.endpoint is None and goal is not Goal.INSTALL:
            desired = replace(desired, endpoint=Endpoint(desired.endpoint_name, "", desired.queue, ""))
        organisation = await read_organisation(self._client, desired)
        refuse_unfit(organisation, desired, self._only)
        surveys = await survey(self._client, self._kinds, desired, organisation, self._only)
        match goal:
            case Goal.INSTALL:
                return Prepared(organisation, plan.installation(surveys, organisation))
            case Goal.UNINSTALL:
                return Prepared(organisation, plan.removal(surveys, delete_data=False))
            case Goal.UNINSTALL_WITH_DATA:
                return Prepared(organisation, plan.removal(surveys, delete_data=True))
