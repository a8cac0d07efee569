"""An installation of pages over a sandbox organisation, and the requests that it sends, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.operations import Method
from shared.installation import plan
from shared.installation.components.kind import Kind
from shared.installation.components.pages.table import page_kinds
from shared.installation.desired.reading import read_desired_state
from shared.installation.pages.xml import canonical, parse
from shared.installation.plan import Step
from shared.installation.session import Goal, Session
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.states import State
from tests.contract.dataverse_organisation import DataverseOrganisation
from tests.customisation import CUSTOMISATION

DESIRED = read_desired_state({})
PAGES = (
    Kind.WEB_RESOURCE,
    Kind.VIEW,
    Kind.CHART,
    Kind.FORM,
    Kind.TAB,
    Kind.COMMAND,
    Kind.DASHBOARD,
    Kind.APP,
)
SETS = (
    "savedqueries",
    "savedqueryvisualizations",
    "systemforms",
    "appactions",
    "appmodules",
    "sitemaps",
    "webresourceset",
)
_KEYS = frozenset({"name", "uniquename", "sitemapname"})
_CONTENT = ("formxml", "layoutxml", "fetchxml", "datadescription", "sitemapxml", "content", "buttonlabeltext")


class KilledError(Exception):
    """The installation was killed here."""


@dataclass
class Life:
    """How many more writes an installation lives for; the last one is not sent."""

    writes: int | None = None
    sent: int = field(default=0, init=False)

    def goes_on(self) -> bool:
        """Count a write; return whether it is not the last one."""
        self.sent += 1
        return self.sent != self.writes


class MortalClient(CustomizationClient):
    """A client that is killed at a write, before the request is sent."""

    life = Life()

    async def _write(
        self, method: Method, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str] | None = None
    ) -> OperationResult:
        if not self.life.goes_on():
            raise KilledError
        return await super()._write(method, path, body, headers)

    def outside_the_solution(self) -> MortalClient:
        other = MortalClient(self._client, solution="", sleep=at_once)
        other.counts, other.life = self.counts, self.life
        return other


async def at_once(_seconds: float) -> None:
    pass


class Installation:
    """The connector's pages in one organisation. `originals` are the forms that were kept, by table."""

    def __init__(
        self,
        organisation: DataverseOrganisation,
        *,
        only: tuple[Kind, ...] = tuple(Kind),
        left_out: frozenset[str] = frozenset(),
    ) -> None:
        self.organisation = organisation
        self.originals: list[tuple[str, str]] = []
        self._only = only
        self._left_out = left_out

    async def install(self, life: Life | None = None) -> list[Step]:
        """Install; return the steps that wrote."""
        return await self.reach(Goal.INSTALL, life)

    async def remove(self, goal: Goal = Goal.UNINSTALL) -> list[Step]:
        """Uninstall; return the steps that wrote."""
        return await self.reach(goal)

    async def reach(self, goal: Goal, life: Life | None = None) -> list[Step]:
        """Reach the goal; return the steps that wrote. Nothing is left to do afterwards."""
        session = self._session(life or Life())
        prepared = await session.prepare(goal)
        await session.apply(prepared, lambda _step: None)
        assert await session.verify(goal) == []
        return plan.writes(prepared.steps)

    async def differences(self) -> list[str]:
        """Say what a check finds."""
        return [f"{step.kind} {step.name}: {step.reason}" for step in await self._session(Life()).verify(Goal.INSTALL)]

    async def forms(self, state: State = State.PUBLISHED) -> dict[str, str]:
        """Return the canonical XML of all forms, by their ids."""
        rows = await self.read("systemforms", state)
        return {row["formid"]: canonical(parse(row["formxml"], row["name"])) for row in rows}

    async def content(self) -> list[tuple[str, ...]]:
        """Return what users see: rows without ids and versions."""
        found: list[tuple[str, ...]] = []
        for entity_set in SETS:
            for row in await self.read(entity_set):
                names = [str(row[key]) for key in sorted(_KEYS) if key in row]
                found.append((entity_set, *names, *(str(row[column]) for column in _CONTENT if column in row)))
        return sorted(found)

    async def read(self, entity_set: str, state: State = State.PUBLISHED) -> list[dict[str, Any]]:
        """Read all rows in one state."""
        return await self.client().rows(f"{entity_set}{state.value}")

    async def texts(self, address: str, column: str) -> dict[int, str]:
        """Return the published texts of a column of a row, by language."""
        query = f"@p1={quote(json.dumps({'@odata.id': address}))}&@p2='{column}'&@p3=false"
        path = f"RetrieveLocLabels(EntityMoniker=@p1,AttributeName=@p2,IncludeUnpublished=@p3)?{query}"
        answer = await self.client().get(path)
        return {one["LanguageCode"]: one["Label"] for one in answer["Label"]["LocalizedLabels"]}

    def _session(self, life: Life) -> Session:
        kinds = page_kinds(CUSTOMISATION, self._keep, self._left_out)
        return Session(self.client(life), DESIRED, sleep=at_once, only=self._only, pages=kinds)

    def client(self, life: Life | None = None) -> MortalClient:
        """Return a client of the organisation."""
        client = MortalClient(self.organisation.client, solution=DESIRED.solution.name, sleep=at_once)
        client.life = life or Life()
        return client

    def _keep(self, table: str, _form: object, formxml: str) -> None:
        self.originals.append((table, formxml))
