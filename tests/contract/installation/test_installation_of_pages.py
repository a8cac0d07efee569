"""The pages of an installation over the sandbox: saved, published, changed by hand, killed and taken out again."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from shared.installation.components.kind import Kind
from shared.installation.session import Goal
from shared.installation.wire.states import State
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation
from tests.contract.installation.pages import PAGES, SETS, Installation, KilledError, Life
from tests.installed import Installed, organisation

FOUNDATIONS = (Kind.PUBLISHER, Kind.SOLUTION, Kind.COLUMN, Kind.ROLE)
DUTCH, ENGLISH = 1043, 1033
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
    """Open an organisation that has all that the pages need, and an installation of nothing but pages."""
    async with open_organisation(snapshot=organisation(Installed.WITHOUT_PAGES)) as opened:
        await Installation(opened, only=FOUNDATIONS).install()
        yield Installation(opened, only=PAGES)


@asynccontextmanager
async def open_bare() -> AsyncIterator[Installation]:
    """Open a bare organisation, and an installation of everything."""
    async with open_organisation(bare=True) as organisation:
        yield Installation(organisation)


Opening = Callable[[], AbstractAsyncContextManager[Installation]]


async def components(organisation: DataverseOrganisation) -> Counter[str]:
    """Count the components of the connector's solution by type."""
    (solution,) = await organisation.rows("solutions", "solutionid", filter="uniquename eq 'SpotlerConnector'")
    where = f"_solutionid_value eq {solution['solutionid']}"
    rows = await organisation.rows("solutioncomponents", "componenttype", filter=where)
    return Counter(TYPES[row["componenttype"]] for row in rows if row["componenttype"] in TYPES)


@pytest.mark.parametrize("settings", [{}, {"sales": False, "languages": (DUTCH, ENGLISH)}])
async def test_a_bare_organisation_gets_the_pages_and_a_second_run_only_reads(
    settings: dict[str, object],
) -> None:
    async with open_organisation(bare=True, **settings) as organisation:
        installation = Installation(organisation)
        assert {Kind.VIEW, Kind.CHART, Kind.FORM, Kind.TAB, Kind.COMMAND, Kind.DASHBOARD, Kind.APP} <= {
            step.kind for step in await installation.install()
        }
        publications = [request for request in organisation.sent if "PublishXml" in request]
        organisation.sent.clear()

        assert await installation.install() == []

        assert len(publications) == 1
        assert {request.split()[0] for request in organisation.sent} == {"GET"}


async def test_own_rows_join_the_solution_and_forms_of_others_do_not() -> None:
    async with open_organisation() as organisation:
        assert await components(organisation) == {
            "view": 28,
            "chart": 5,
            "form": 6 + 2 + 1,  # main forms, quick view forms, the dashboard
            "web resource": 6,
            "site map": 1,
            "app": 1,
            "command": 8,
        }


async def test_what_somebody_changed_in_a_form_is_told_and_set_right_and_parts_of_others_stay() -> None:
    async with open_pages() as installation:
        await installation.install()
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
        installation = Installation(organisation)
        forms, rows = await installation.forms(), {name: len(await installation.read(name)) for name in SETS}
        await installation.install()
        assert {table for table, _ in installation.originals} == {
            "contact",
            "lead",
            "account",
            "list",
            "campaign",
            "email",
        }

        await installation.remove(Goal.UNINSTALL_WITH_DATA)

        for state in State:
            assert await installation.forms(state) == forms
            assert {name: len(await installation.read(name, state)) for name in SETS} == rows
        assert await organisation.rows("appmodulecomponents", "objectid") == []


async def test_uninstalling_keeps_the_columns_of_own_forms_for_the_rows_that_stay() -> None:
    async with open_pages() as installation:
        await installation.install()
        await installation.remove()

        (form,) = [row["formxml"] for row in await installation.read("systemforms") if row["name"] == "Spotler Job"]
        assert 'datafieldname="dh_resulttext"' in form
        assert "Library" not in form
        assert await installation.remove() == []


async def undisturbed(open_one: Opening) -> list[tuple[str, ...]]:
    """Return what users see after an installation that nothing killed."""
    async with open_one() as installation:
        await installation.install()
        return await installation.content()


async def is_killed(installation: Installation, goal: Goal = Goal.INSTALL, *, executed: bool) -> bool:
    """Kill an installation or a removal at its ninth write; return False if it ends before."""
    try:
        await installation.reach(goal, Life(9, executed=executed))
    except KilledError:
        return True
    return False


@pytest.mark.parametrize("open_one", [open_pages, pytest.param(open_bare, marks=pytest.mark.slow)])
async def test_an_installation_that_is_killed_at_every_ninth_write_reaches_the_same_pages(open_one: Opening) -> None:
    whole = await undisturbed(open_one)
    async with open_one() as installation:
        kills = 0
        while await is_killed(installation, executed=kills % 2 == 0):
            kills += 1

        assert kills > 5
        assert await installation.install() == []
        assert await installation.content() == whole


@pytest.mark.slow
@pytest.mark.parametrize("executed", [True, False])
async def test_an_installation_that_is_killed_at_any_write_is_finished_by_the_next(*, executed: bool) -> None:
    whole = await undisturbed(open_pages)
    async with open_pages() as installation:
        await installation.install(life := Life())
    for write in range(1, life.sent + 1):
        async with open_pages() as installation:
            with pytest.raises(KilledError):
                await installation.install(Life(write, executed=executed))
            await installation.install()

            assert await installation.install() == [], write
            assert await installation.content() == whole, write


async def test_a_removal_that_is_killed_at_every_ninth_write_leaves_nothing() -> None:
    async with open_pages() as installation:
        before = {name: len(await installation.read(name)) for name in (*SETS, "appmodulecomponents")}
        await installation.install()
        while await is_killed(installation, Goal.UNINSTALL, executed=False):
            pass

        assert {name: len(await installation.read(name)) for name in before} == before
        assert await installation.remove() == []
