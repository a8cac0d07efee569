"""The pages as components of the installer, over a twin of an organisation: installed, killed, drifted, removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid5

import pytest

from shared.errors import ConfigurationError
from shared.installation import plan
from shared.installation.components.kind import Kind
from shared.installation.components.pages.table import page_kinds
from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.texts import Names
from shared.installation.install import Installer, survey
from shared.installation.organisation.organisation import Organisation, TableFound
from shared.installation.organisation.probe import read_tables
from shared.installation.originals import FormFiles
from shared.installation.pages.xml import canonical, parse
from shared.installation.plan import Step, Survey
from tests.customisation import CUSTOMISATION, FORM, existing_form
from tests.unit.installation.page_organisation import NAMESPACE, KilledError, PageOrganisation

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


async def test_removing_gives_every_form_of_others_back_and_a_later_run_installs_again(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    seen = installer.web.state()

    await installer.remove()

    for name, sample in {**FORMS, **SALES_FORMS}.items():
        if sample:
            assert canonical(parse(installer.form(name), name)) == canonical(parse(existing_form(sample), name))
    for entity_set in ("savedqueries", "appactions", "appmodules", "sitemaps"):
        assert installer.web.published[entity_set] == {}
    await installer.run()
    assert installer.web.state() == seen


async def test_the_original_of_a_form_is_kept_before_its_first_change_only(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    form = installer.web.saved["systemforms"][installer.key("contact:Contact")]
    form["formxml"] = form["formxml"].replace('description="Engagement"', 'description="By hand"')

    assert await installer.reasons() == ["the tab of the form contact:Contact is missing or differs"]
    await installer.run()

    kept = (tmp_path / f"contact-{installer.key('contact:Contact')}.xml").read_text(encoding="utf-8")
    assert kept == existing_form("contact_vendor_tab")


async def test_what_somebody_changed_by_hand_is_named_and_set_right(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    view = next(one for one in CUSTOMISATION.views if one.key == "contact/failed")
    installer.web.saved["savedqueries"][str(view.id)]["name"] = "Mine"

    assert await installer.reasons() == ["the view contact/failed differs in name (1033)"]
    assert await installer.run() == 2  # the row, and its publication


async def test_a_text_in_one_language_that_somebody_changed_is_named_and_set_right_and_other_languages_stay(
    tmp_path: Path,
) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    command = next(key for key, row in installer.web.saved["appactions"].items() if "list" in row["uniquename"])
    for state in (installer.web.saved, installer.web.published):
        texts = state["appactions"][command]["@texts"]
        state["appactions"][command] |= {
            "@texts": texts | {"buttontooltiptitle": {1043: "Eigen tekst", 1031: "Eigener Text"}}
        }

    (reason,) = await installer.reasons()
    assert reason.endswith("differs in buttontooltiptitle (1043)")
    assert await installer.run() == 2

    texts = installer.web.published["appactions"][command]["@texts"]["buttontooltiptitle"]
    assert texts == {1043: "Synchroniseren naar Spotler", 1031: "Eigener Text"}


async def test_names_can_be_written_in_the_base_language_alone(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    installer.desired = replace(DESIRED, names=Names.BASE_LANGUAGE)

    await installer.run()

    assert await installer.reasons() == []
    assert not any("@texts" in row for rows in installer.web.published.values() for row in rows.values())


async def test_an_unpublished_edit_of_somebody_else_is_kept(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    form = installer.web.saved["systemforms"][installer.key("account:Account")]
    form["formxml"] = form["formxml"].replace('description="General"', 'description="Edited"')

    await installer.run()

    assert 'description="Edited"' in installer.form("account:Account")


async def test_a_form_that_changes_between_survey_and_writing_loses_nothing(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    surveys, found = await installer.survey()
    form = installer.web.saved["systemforms"][installer.key("account:Account")]
    form |= {"formxml": form["formxml"].replace('"General"', '"Edited"'), "@odata.etag": 'W/"7"'}

    await installer.apply(plan.installation(surveys, found), found)

    assert 'description="Edited"' in installer.form("account:Account")


async def test_a_form_that_the_customer_does_not_use_can_be_left_out(tmp_path: Path) -> None:
    installer = Pages(tmp_path, left_out=frozenset({"contact:Vendor's Contact"}))

    await installer.run()

    assert installer.form("contact:Vendor's Contact") == existing_form("contact_no_events")


async def test_a_managed_form_that_nobody_may_change_gets_no_tab(tmp_path: Path) -> None:
    installer = Pages(tmp_path)

    await installer.run()

    assert installer.form("account:Interactive") == existing_form("account_two_columns")


async def test_a_tab_of_a_form_that_is_left_out_later_is_removed_with_the_others(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    installer.kinds = page_kinds(CUSTOMISATION, FormFiles(tmp_path).keep, frozenset({"contact:Contact"}))

    await installer.remove()

    assert 'name="dh_spotler"' not in installer.form("contact:Contact")


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


@pytest.mark.parametrize(
    ("table", "reason"),
    [("dh_spotlerjob", "missing"), ("dh_spotlerinfo", "the form dh_spotlerinfo/main does not exist")],
)
async def test_the_main_form_of_an_own_table_that_somebody_deleted_is_named_and_made_anew(
    tmp_path: Path, table: str, reason: str
) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    form = installer.form(f"{table}:Information")
    for state in (installer.web.saved, installer.web.published):
        del state["systemforms"][installer.key(f"{table}:Information")]

    assert await installer.reasons() == [reason]
    assert await installer.run() == 3  # the row, its name in Dutch, and its publication

    (anew,) = [row for row in installer.web.published["systemforms"].values() if _main_of(row, table)]
    assert canonical(parse(anew["formxml"], "anew")) == canonical(parse(form, "before"))
    assert await installer.reasons() == []
    await installer.remove()
    assert [row for row in installer.web.published["systemforms"].values() if _main_of(row, table)]


def _main_of(row: Mapping[str, Any], table: str) -> bool:
    return (row["objecttypecode"], row["type"]) == (table, 2)


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


async def test_a_main_form_that_somebody_adds_to_an_own_table_stays(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    forms = installer.web.saved["systemforms"]
    added = forms[installer.key("dh_spotlerjob:Information")] | {"name": "Mine"}
    for state in (installer.web.saved, installer.web.published):
        state["systemforms"] = {"3f0c": added, **state["systemforms"]}

    assert await installer.reasons() == []
    forms = installer.web.saved["systemforms"]
    forms[installer.key("dh_spotlerjob:Information")]["name"] = "Renamed"

    with pytest.raises(ConfigurationError, match="several main forms, and none is called Spotler Job"):
        await installer.reasons()


async def test_pages_of_a_table_that_was_never_made_are_refused_with_what_to_do(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    installer.web.tables.remove("dh_spotlerjob")

    with pytest.raises(ConfigurationError, match="dh_spotlerjob does not exist: install the tables first"):
        await installer.run()


async def test_a_removal_that_is_killed_is_finished_by_the_next_and_a_third_writes_nothing(tmp_path: Path) -> None:
    whole = Pages(tmp_path / "whole")
    await whole.run()
    installed = whole.web.writes
    await whole.remove()

    for lives in range(0, whole.web.writes - installed, 5):
        installer = Pages(tmp_path / str(lives))
        await installer.run()
        with pytest.raises(KilledError):
            await installer.remove(lives)
        await installer.remove()

        before = installer.web.writes
        await installer.remove()
        assert installer.web.writes == before
        assert installer.web.state() == whole.web.state()
