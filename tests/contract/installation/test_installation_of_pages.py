"""The pages of an installation over the sandbox: saved, published, changed by hand, killed and taken out again."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.installation.components.kind import Kind
from shared.installation.session import Goal
from shared.installation.wire.states import State
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation
from tests.contract.installation.pages import PAGES, SETS, Installation, KilledError, Life
from tests.installed import Installed, organisation

DUTCH, ENGLISH, FRENCH = 1043, 1033, 1036
TYPES = {
    26: "view",
    59: "chart",
    60: "form",
    61: "web resource",
    62: "site map",
    80: "app",
    10_221: "command",
}


@asynccontextmanager
async def open_pages() -> AsyncIterator[Installation]:
    """Open an organisation in which everything is installed, and an installation of nothing but pages."""
    async with open_organisation() as opened:
        yield Installation(opened, only=PAGES)


async def counts_without_pages(*more: str) -> dict[str, int]:
    """Count the rows of pages in an organisation that lacks nothing but pages."""
    async with open_organisation(snapshot=organisation(Installed.WITHOUT_PAGES)) as opened:
        return {name: len(await Installation(opened).read(name)) for name in (*SETS, *more)}


async def components(organisation: DataverseOrganisation) -> Counter[str]:
    """Count the components of the connector's solution by type."""
    (solution,) = await organisation.rows("solutions", "solutionid", filter="uniquename eq 'SpotlerConnector'")
    where = f"_solutionid_value eq {solution['solutionid']}"
    rows = await organisation.rows("solutioncomponents", "componenttype", filter=where)
    return Counter(TYPES[row["componenttype"]] for row in rows if row["componenttype"] in TYPES)


@pytest.mark.parametrize("languages", [pytest.param((ENGLISH,), marks=pytest.mark.slow), (DUTCH, ENGLISH)])
async def test_a_bare_organisation_gets_the_pages_and_a_second_run_only_reads(languages: tuple[int, ...]) -> None:
    async with open_organisation(bare=True, languages=languages) as organisation:
        installation = Installation(organisation)
        assert {Kind.VIEW, Kind.CHART, Kind.FORM, Kind.TAB, Kind.COMMAND, Kind.DASHBOARD, Kind.APP} <= {
            step.kind for step in await installation.install()
        }
        assert {table for table, _ in installation.originals} == {
            "contact",
            "lead",
            "account",
            "list",
            "campaign",
            "email",
        }
        publications = [request for request in organisation.sent if "PublishXml" in request]
        organisation.sent.clear()

        assert await installation.install() == []

        assert len(publications) == 1
        assert {request for request in organisation.sent if not request.startswith("GET ")} <= {"POST $batch"}


NAMES = {
    "environmentvariabledefinitions": (
        "environmentvariabledefinitionid",
        "displayname",
        "Spotler Console",
        "Spotler-console",
    ),
    "webresourceset": ("webresourceid", "displayname", "Spotler Job form", "Formulier van Spotler-taken"),
    "savedqueries": ("savedqueryid", "name", "Spotler: Failed", "Spotler: mislukt"),
    "savedqueryvisualizations": ("savedqueryvisualizationid", "name", "Jobs By Status", "Taken naar status"),
    "systemforms": ("formid", "name", "Spotler Monitoring", "Spotler-bewaking"),
    "appactions": ("appactionid", "buttonlabeltext", "New Spotler Job", "Nieuwe Spotler-taak"),
    "appmodules": ("appmoduleid", "name", "Spotler Hub", "Spotler Hub"),
    "sitemaps": ("sitemapid", "sitemapname", "Spotler Hub", "Spotler Hub"),
}
"""Key, column, and its texts in English and Dutch, by set."""


async def test_names_have_a_text_in_each_language_and_a_text_that_somebody_changed_is_set_right() -> None:
    async with open_organisation(bare=True, sales=False, languages=(FRENCH, DUTCH, ENGLISH)) as organisation:
        installation = Installation(organisation)
        await installation.install()

        for entity_set, (key, column, english, dutch) in NAMES.items():
            row = next(one for one in await installation.read(entity_set) if one[column] == english)
            found = await installation.texts(f"{entity_set}({row[key]})", column)
            assert found == {FRENCH: english, ENGLISH: english, DUTCH: dutch}

        moniker = {"@odata.type": "Microsoft.Dynamics.CRM.sitemap", "sitemapid": row["sitemapid"]}
        labels = [{"Label": "Anders", "LanguageCode": language} for language in (FRENCH, DUTCH)]
        body = {"EntityMoniker": moniker, "AttributeName": "sitemapname", "Labels": labels}
        await installation.client().outside_the_solution().act("SetLocLabels", body)
        assert await installation.differences() == ["app dh_SpotlerHub: sitemapname of the site map differs"]
        assert len(await installation.install()) == 1
        assert await installation.install() == []


async def test_own_rows_join_the_solution_and_forms_of_others_do_not() -> None:
    async with open_organisation() as organisation:
        assert await components(organisation) == {
            "view": 29,
            "chart": 6,
            "form": 6 + 2 + 1,  # main forms, quick view forms, the dashboard
            "web resource": 8,
            "site map": 1,
            "app": 1,
            "command": 13,
        }


async def test_what_somebody_changed_in_a_form_is_told_and_set_right_and_parts_of_others_stay() -> None:
    async with open_pages() as installation:
        form = next(row for row in await installation.read("systemforms") if row["name"] == "Contact")
        edited = form["formxml"].replace('"E-mail preferences"', '"By hand"').replace('"Events"', '"Fairs"')
        await installation.client().change(f"systemforms({form['formid']})", {"formxml": edited})

        assert await installation.differences() == ["tab contact: the tab of the form Contact is missing or differs"]
        await installation.install()

        (now,) = [row["formxml"] for row in await installation.read("systemforms") if row["formid"] == form["formid"]]
        assert '"Fairs"' in now
        assert '"By hand"' not in now
        assert now == form["formxml"].replace('"Events"', '"Fairs"')


async def test_uninstalling_gives_forms_of_others_back_and_leaves_nothing() -> None:
    async with open_organisation(bare=True) as organisation:
        bare = Installation(organisation)
        forms, rows = await bare.forms(), {name: len(await bare.read(name)) for name in SETS}
    async with open_organisation() as organisation:
        installation = Installation(organisation)
        assert await installation.forms() != forms

        await installation.remove(Goal.UNINSTALL_WITH_DATA)

        for state in State:
            assert await installation.forms(state) == forms
            assert {name: len(await installation.read(name, state)) for name in SETS} == rows
        assert await organisation.rows("appmodulecomponents", "objectid") == []


async def test_uninstalling_keeps_the_columns_of_own_forms_for_the_rows_that_stay() -> None:
    async with open_pages() as installation:
        await installation.remove()

        (form,) = [row["formxml"] for row in await installation.read("systemforms") if row["name"] == "Spotler Job"]
        assert 'datafieldname="dh_resulttext"' in form
        assert "Library" not in form
        assert await installation.remove() == []


async def is_killed(installation: Installation, goal: Goal) -> bool:
    """Kill a removal at its ninth write; return False if it ends before."""
    try:
        await installation.reach(goal, Life(9))
    except KilledError:
        return True
    return False


@pytest.mark.slow  # tests/unit/installation/pages kills removals as well
async def test_a_removal_that_is_killed_at_every_ninth_write_leaves_nothing() -> None:
    before = await counts_without_pages("appmodulecomponents")
    async with open_pages() as installation:
        while await is_killed(installation, Goal.UNINSTALL):
            pass

        assert {name: len(await installation.read(name)) for name in before} == before
        assert await installation.remove() == []
