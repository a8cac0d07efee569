"""The pages as components of the installer, over a twin of an organisation: installed, killed, removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.installation.desired.texts import Names
from tests.customisation import CUSTOMISATION
from tests.examples import thinned
from tests.unit.installation.page_organisation import KilledError
from tests.unit.installation.pages.page_runs import DESIRED, OWN, SALES_FORMS, Pages


@pytest.mark.parametrize("sales", [True, False])
async def test_a_second_run_writes_nothing(tmp_path: Path, sales: bool) -> None:  # noqa: FBT001
    installer = Pages(tmp_path, sales=sales)

    assert await installer.run() > 30
    assert installer.web.publications == 1
    assert await installer.run() == 0
    assert await installer.reasons() == []


async def test_users_see_the_tab_on_every_main_form_the_views_the_commands_and_the_dashboard(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()

    for name in ("contact:Contact", "contact:Vendor's Contact", "account:Account", *SALES_FORMS, "email:Email"):
        assert 'name="dh_spotler"' in installer.form(name)
    assert len(installer.web.published["savedqueries"]) == len(CUSTOMISATION.views)
    assert len(installer.web.published["appactions"]) == 13
    assert str(CUSTOMISATION.hub.dashboard.id) in installer.web.published["systemforms"]
    assert "SpotlerJob.onLoad" in installer.form("dh_spotlerjob:Information")


async def test_ui_02_ui_03_the_app_has_its_site_map_its_dashboard_and_its_roles(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()

    ((app, row),) = installer.web.published["appmodules"].items()
    ((site_map, _),) = installer.web.published["sitemaps"].items()
    assert row["uniquename"] == "dh_SpotlerHub"
    assert installer.web.components == {(app, site_map), (app, str(CUSTOMISATION.hub.dashboard.id))}
    own = {"Spotler User", "Spotler Marketer", "Spotler Read Only"}
    assert {role for _, role in installer.web.associated} == own | {"Systeembeheerder"}


async def test_an_app_that_dataverse_says_it_created_and_did_not_is_told_with_what_to_do(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    installer.web.loses_apps = True

    with pytest.raises(ConfigurationError, match="Create an app with the unique name dh_SpotlerHub"):
        await installer.run()


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
async def test_a_run_that_is_killed_after_any_write_is_finished_by_the_next_and_a_third_writes_nothing(
    tmp_path: Path, every: int
) -> None:
    whole = Pages(tmp_path / "whole")
    writes = await whole.run()

    for lives in range(0, writes, every):
        installer = Pages(tmp_path / str(lives))
        with pytest.raises(KilledError):
            await installer.run(lives)
        await installer.run()

        assert await installer.run() == 0
        assert installer.web.state() == whole.web.state()


async def test_names_can_be_written_in_the_base_language_alone(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    installer.desired = replace(DESIRED, names=Names.BASE_LANGUAGE)

    await installer.run()

    assert await installer.reasons() == []
    assert not any("@texts" in row for rows in installer.web.published.values() for row in rows.values())


async def test_an_error_publishes_what_was_done_before_it(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    installer.web.loses_apps = True

    with pytest.raises(ConfigurationError):
        await installer.run()

    assert 'name="dh_spotler"' in installer.form("contact:Contact")
    assert len(installer.web.published["savedqueries"]) == len(CUSTOMISATION.views)


async def test_an_uninstallation_leaves_own_forms_without_scripts_grids_and_lookups(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()

    await installer.remove()

    form = installer.form("dh_spotlerjob:Information")
    assert 'datafieldname="dh_resulttext"' in form
    assert not any(word in form for word in ("dh_spotlerjob.js", "ViewId", "dh_customerid"))


async def test_a_script_is_bound_by_its_id_when_a_command_is_created(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()

    assert {
        row["OnClickEventJavaScriptWebResourceId@odata.bind"] for row in installer.web.saved["appactions"].values()
    } == {
        f"/webresourceset({installer.key(script)})"
        for script in ("dh_spotlerconsole.js", "dh_spotlerlist.js", "dh_spotlerperson.js")
    }


async def test_a_script_that_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    installer.web.scripts.remove("dh_spotlerperson.js")

    with pytest.raises(ConfigurationError, match=r"dh_spotlerperson\.js does not exist: install the web resources"):
        await installer.run()


async def test_pages_of_a_table_that_is_made_after_the_survey_have_its_number(tmp_path: Path) -> None:
    early, late = Pages(tmp_path / "early"), Pages(tmp_path / "late")
    late.known = [table for table in late.web.tables if table not in OWN]
    await early.run()
    await late.run()

    late.known = late.web.tables
    assert await late.reasons() == []
    assert late.web.state() == early.web.state()


async def test_pages_of_a_table_that_was_never_made_are_refused_with_what_to_do(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    installer.web.tables.remove("dh_spotlerjob")

    with pytest.raises(ConfigurationError, match="dh_spotlerjob does not exist: install the tables first"):
        await installer.run()


@pytest.mark.parametrize("every", thinned([11, 5]))
async def test_a_removal_that_is_killed_is_finished_by_the_next_and_a_third_writes_nothing(
    tmp_path: Path, every: int
) -> None:
    whole = Pages(tmp_path / "whole")
    await whole.run()
    installed = whole.web.writes
    await whole.remove()

    for lives in range(0, whole.web.writes - installed, every):
        installer = Pages(tmp_path / str(lives))
        await installer.run()
        with pytest.raises(KilledError):
            await installer.remove(lives)
        await installer.remove()

        before = installer.web.writes
        await installer.remove()
        assert installer.web.writes == before
        assert installer.web.state() == whole.web.state()
