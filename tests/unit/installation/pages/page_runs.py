"""Runs of the page components over a twin of an organisation with forms of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from uuid import uuid5

from shared.installation import plan
from shared.installation.components.kind import Kind
from shared.installation.components.pages.table import page_kinds
from shared.installation.desired.reading import read_desired_state
from shared.installation.install import Installer, survey
from shared.installation.organisation.organisation import Organisation, TableFound
from shared.installation.organisation.probe import read_tables
from shared.installation.originals import FormFiles
from shared.installation.plan import Step, Survey
from tests.customisation import CUSTOMISATION, FORM
from tests.unit.installation.page_organisation import NAMESPACE, PageOrganisation

DESIRED = read_desired_state({})


OWN = (
    "dh_spotlerinfo",
    "dh_spotlerjob",
    "dh_spotlerpermission",
    "dh_spotlerautomation",
    "dh_marketinginteraction",
    "dh_websitevisitor",
)


FORMS = {
    "contact:Contact": "contact_vendor_tab",
    "contact:Vendor's Contact": "contact_no_events",
    "account:Account": "account_two_columns",
    "account:Interactive": "account_two_columns",
    "email:Email": "contact_no_events",
    **{f"{table}:Information": "" for table in OWN},
}


SALES_FORMS = {
    "lead:Lead": "lead_managed",
    "list:Marketing List": "list_with_libraries",
    "campaign:Campaign": "account_two_columns",
}


def organisation(tables: Mapping[str, TableFound]) -> Organisation:
    return Organisation(
        id=FORM,
        user_id=FORM,
        blocks_customisation=False,
        managed_solution=False,
        root_unit=FORM,
        base_language=1033,
        languages=frozenset({1033, 1043}),
        has_endpoint=False,
        tables=tables,
    )


async def at_once(_seconds: float) -> None:
    pass


class Pages:
    def __init__(self, folder: Path, *, sales: bool = True, left_out: frozenset[str] = frozenset()) -> None:
        self.web = PageOrganisation(FORMS | (SALES_FORMS if sales else {}))
        self.kinds = page_kinds(CUSTOMISATION, FormFiles(folder).keep, left_out)
        self.desired = DESIRED
        self.known: Collection[str] = self.web.tables

    async def survey(self) -> tuple[list[Survey], Organisation]:
        tables = await read_tables(self.web)  # type: ignore[arg-type]
        found = organisation({name: table for name, table in tables.items() if name in self.known})
        return await survey(self.web, self.kinds, self.desired, found, tuple(Kind)), found  # type: ignore[arg-type]

    async def apply(self, steps: Sequence[Step], found: Organisation) -> None:
        installer = Installer(self.web, self.kinds, report=lambda _: None, sleep=at_once)  # type: ignore[arg-type]
        await installer.apply(steps, found)

    async def run(self, lives: int | None = None) -> int:
        """Install; how many writes that took."""
        before = self.web.writes
        self.web.lives = lives
        surveys, found = await self.survey()
        await self.apply(plan.installation(surveys, found), found)
        return self.web.writes - before

    async def reasons(self) -> list[str]:
        return [step.reason for step in plan.writes(plan.installation(*await self.survey()))]

    async def remove(self, lives: int | None = None) -> None:
        self.web.lives = lives
        surveys, found = await self.survey()
        await self.apply(plan.removal(surveys, delete_data=False), found)

    def form(self, name: str) -> str:
        formxml: str = self.web.published["systemforms"][self.key(name)]["formxml"]
        return formxml

    def key(self, name: str) -> str:
        return str(uuid5(NAMESPACE, name))
