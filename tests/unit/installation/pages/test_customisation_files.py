"""The files of `infra/dataverse/` know each other: columns, views, forms, scripts; with Sales and without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from shared.errors import ConfigurationError
from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.texts import Language, Texts
from shared.installation.pages.forms.building import build_form
from shared.installation.pages.forms.context import Surroundings
from shared.installation.pages.forms.handlers import OWN_LIBRARIES
from shared.installation.pages.forms.specification import (
    Cell,
    ColumnCell,
    OwnForm,
    QuickViewCell,
    SubgridCell,
    Tab,
    WebPageCell,
)
from shared.installation.pages.hub.commands import Command, command_row
from shared.installation.pages.hub.dashboard import build_dashboard
from shared.installation.pages.hub.site_map import build_site_map
from shared.installation.pages.ids import stable_id
from shared.installation.pages.languages import Languages
from shared.installation.pages.queries.views import View
from shared.installation.pages.reading import FOLDER, read_customisation
from tests.customisation import CHARTS, CUSTOMISATION, TABS, around
from tests.installed import installed_schema
from tests.programs.node import WEB_RESOURCES

SCRIPT = UUID("6d81597f-0f9f-e711-8122-000d3aa2331c")
OF_MAILINGS = {"campaign", "email"}
HUB = CUSTOMISATION.hub
HTML = 1


def shown() -> Iterator[tuple[str, Cell]]:
    """Every cell, with the table of its form."""
    pages: list[tuple[str, Tab]] = [(table, tab.as_tab()) for table, tab in TABS.items()]
    pages += [(form.table, tab) for form in CUSTOMISATION.forms for tab in form.tabs]
    for table, tab in pages:
        for column in tab.columns:
            for section in column.sections:
                yield from ((table, cell) for cell in section.cells)


def test_every_cell_shows_a_column_that_its_table_has() -> None:
    tables = installed_schema().tables
    missing = [
        f"{table}.{cell.column}"
        for table, cell in shown()
        if isinstance(cell, ColumnCell) and cell.column not in tables[table].columns
    ]

    assert missing == []


def test_a_column_has_one_name_in_each_language_on_forms_and_in_lists() -> None:
    state = read_desired_state({})
    names = {(table.name, column.logical): column.label for table in (*state.tables, *state.standard_tables)
             for column in table.columns}  # fmt: skip
    names |= {(lookup.table, lookup.logical): lookup.label for lookup in state.lookups}
    others = []
    for table, cell in shown():
        if isinstance(cell, ColumnCell) and (name := names.get((table, cell.column))):
            # The insights of a campaign add the signs by which marketers know them: "# Sent", "Open Rate (OR, %)".
            english, dutch = (
                re.sub(r"^# |(?<=\()[A-Z]+, (?=%\))", "", text) for text in (cell.label.en, cell.label.nl)
            )
            if (english, dutch) != (name.en, name.nl):
                others.append(f"{table}.{cell.column}: {english}, {dutch}")

    assert others == []


def test_a_lead_is_called_in_dutch_what_dynamics_calls_it() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.yaml"))

    assert not re.findall(r"nl: Leads?\b", texts)


def test_bulk_09_to_27_act_06_and_act_07_have_a_place_on_the_forms_of_campaign_and_email() -> None:
    columns = {(table, cell.column) for table, cell in shown() if table in OF_MAILINGS and isinstance(cell, ColumnCell)}

    mark = {
        "dh_spotlertype",
        "dh_statisticson",
        "dh_statisticsfrozen",
        "dh_onlineversion",
        "dh_spotlerremark",
    }  # BULK-08
    assert mark < (campaign := {one for table, one in columns if table == "campaign"})
    assert len(campaign - mark) == 19
    assert {one for table, one in columns if table == "email"} == {
        "dh_spotlerbounced",
        "dh_spotlerisopened",
        "dh_spotlerisclicked",
        "dh_spotlerbouncetype",
        "dh_spotlerclickedlinks",
    }  # ACT-06


def test_sta_02_ui_04_the_marketing_tab_shows_status_preferences_permissions_jobs_and_scores() -> None:
    for table in ("contact", "lead", "account"):
        cells = [cell for of, cell in shown() if of == table]
        columns = {cell.column for cell in cells if isinstance(cell, ColumnCell)}
        grids = {cell.subgrid for cell in cells if isinstance(cell, SubgridCell)}

        assert columns == {
            "dh_spotlerinfo",
            "donotbulkemail",
            "donotemail",
            "dh_engagementscore",
            "dh_engagementweightedscore",
        }
        assert grids == {"dh_spotlerpermission", "dh_spotlerjob", "dh_marketinginteraction"}  # INT-03
        assert any(isinstance(cell, QuickViewCell) for cell in cells)
        assert [cell.web_page for cell in cells if isinstance(cell, WebPageCell)] == ["dh_spotlerconsole.html"]  # UI-01


def test_every_view_chart_and_form_that_a_cell_names_exists() -> None:
    views = {view.key: view.table for view in CUSTOMISATION.views}
    forms = {form.key: form.table for form in CUSTOMISATION.forms}

    charts = {chart.key: chart.table for chart in CUSTOMISATION.charts}
    drawn = [(table, cell.chart) for table, cell in shown() if isinstance(cell, SubgridCell) and cell.chart]
    assert drawn == [("campaign", "dh_marketinginteraction/reactions_by_day")]
    for table, cell in shown():
        if isinstance(cell, SubgridCell):
            assert views[cell.view] == cell.subgrid
            assert not cell.chart or charts[cell.chart] == cell.subgrid
            assert not cell.relationship or table in cell.relationship
        if isinstance(cell, QuickViewCell):
            assert forms[cell.form] == cell.table


@pytest.mark.parametrize("view", CUSTOMISATION.views, ids=lambda view: view.key)
def test_a_view_shows_only_columns_that_its_query_fetches_and_its_tables_have(view: View) -> None:
    query = etree.fromstring(view.fetch)
    tables = installed_schema().tables
    fetched = {one.get("name") for one in query.findall("entity/attribute")}
    for link in query.findall("entity/link-entity"):
        fetched |= {f"{link.get('alias')}.{one.get('name')}" for one in link.findall("attribute")}
        assert {one.get("name") for one in link.findall("attribute")} <= set(tables[link.get("name")].columns)
        assert link.get("to") in tables[view.table].columns

    assert {column for column, _ in view.columns} <= fetched
    own = {one.get("attribute") for one in query.findall("entity/filter//condition") if not one.get("entityname")}
    assert {one for one in fetched if "." not in one} | own <= set(tables[view.table].columns)


def test_every_script_that_a_form_or_a_command_calls_has_the_function() -> None:
    calls = {(handler.library, handler.function) for form in CUSTOMISATION.forms for handler in form.handlers}
    calls |= {(command.text.script, command.text.function) for command in CUSTOMISATION.commands}

    for library, function in calls:
        name, _, method = function.partition(".")
        script = (WEB_RESOURCES / library).read_text(encoding="utf-8")
        assert f"var {name} = " in script
        assert re.search(rf"return {{.*\b{method}: ", script)
    assert (WEB_RESOURCES / HUB.app.icon).is_file()


def test_every_page_of_a_cell_or_of_the_navigation_is_installed() -> None:
    pages = {page.web_page for area in HUB.site_map for group in area.groups for page in group.pages} - {None}
    installed = {one.name for one in read_desired_state({}).web_resources if one.kind == HTML}

    assert pages | {cell.web_page for _, cell in shown() if isinstance(cell, WebPageCell)} == installed
    site_map = build_site_map(HUB.site_map, HUB.dashboard.id, Languages(), has_sales=False)
    assert 'Url="$webresource:dh_spotlerconsole.html"' in site_map
    assert 'Title="Spotler-console"' in site_map


def test_every_script_counts_as_own_when_handlers_are_removed() -> None:
    assert sorted(OWN_LIBRARIES) == sorted(path.name for path in WEB_RESOURCES.glob("*.js"))


def test_names_are_unique_and_ids_are_the_same_in_every_run() -> None:
    assert len({view.id for view in CUSTOMISATION.views}) == len(CUSTOMISATION.views)
    assert len({command.unique_name for command in CUSTOMISATION.commands}) == len(CUSTOMISATION.commands)
    assert [view.id for view in read_customisation().views] == [view.id for view in CUSTOMISATION.views]
    assert str(stable_id("view", "contact/failed")) == "e56af811-b529-5194-a224-3d8452f84027"


def test_a_command_gets_the_form_or_the_selected_rows_and_a_prefix_that_dataverse_takes() -> None:
    rows = {command.unique_name: command_row(command, SCRIPT, Languages()) for command in CUSTOMISATION.commands}

    assert sorted(rows) == [
        *(f"dh__console_open_grid!{table}!1" for table in ("dh_spotlerinfo", "dh_spotlerjob")),
        "dh__list_sync_form!list!0",
        "dh__list_sync_grid!list!1",
        *(f"dh__person_job_form!{table}!0" for table in ("account", "contact", "lead")),
        *(f"dh__person_job_grid!{table}!1" for table in ("account", "contact", "lead")),
        *(f"dh__person_why_form!{table}!0" for table in ("account", "contact", "lead")),
    ]
    for name, row in rows.items():
        passed = [one["type"] for one in json.loads(row["onclickeventjavascriptparameters"])]
        assert passed == ([5] if name.endswith("!0") else [12, 24])


def test_texts_follow_the_languages_of_the_organisation_and_its_base_language_has_one() -> None:
    job = Texts(en="Spotler Job", nl="Spotler-taak")

    assert Languages().texts(job) == ((Language.ENGLISH, "Spotler Job"), (Language.DUTCH, "Spotler-taak"))
    assert Languages(Language.DUTCH, frozenset({Language.DUTCH})).texts(job) == ((Language.DUTCH, "Spotler-taak"),)
    assert Languages(1031, frozenset({1031, Language.DUTCH})).texts(job) == (
        (1031, "Spotler Job"),
        (Language.DUTCH, "Spotler-taak"),
    )


@pytest.mark.parametrize("form", CUSTOMISATION.forms, ids=lambda form: form.key)
def test_without_sales_a_form_names_neither_lead_nor_list(form: OwnForm) -> None:
    formxml = build_form(form, SCRIPT, around(has_sales=False))

    assert not re.search(r"dh_leadid|dh_listid|>(lead|list)<", formxml)


def test_without_sales_the_site_map_has_no_table_of_it() -> None:
    site_map = build_site_map(HUB.site_map, HUB.dashboard.id, Languages(), has_sales=False)

    tables = re.findall('Entity="([^"]+)"', site_map)
    assert {"lead", "list", "campaign"}.isdisjoint(tables)
    assert set(tables) <= set(installed_schema().tables)


def test_a_view_that_is_not_installed_is_named_with_what_to_do() -> None:
    bare = Surroundings(languages=Languages(), views={}, forms={})

    with pytest.raises(ConfigurationError, match="Install views first"):
        build_dashboard(HUB.dashboard, CHARTS, bare)


def test_a_word_that_no_file_knows_is_told_with_its_file_and_place(tmp_path: Path) -> None:
    for path in FOLDER.glob("*/*.yaml"):
        (tmp_path / path.parent.name).mkdir(exist_ok=True)
        (tmp_path / path.parent.name / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    file = tmp_path / "charts" / "monitoring.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("group_by", "grouped"), encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"monitoring\.yaml, charts\.0\.group"):
        read_customisation(tmp_path)


def test_commands_belong_to_tables_that_the_organisation_has() -> None:
    assert {command.table for command in CUSTOMISATION.commands if command.text.needs is None} <= {
        *("contact", "account", "lead"),
        *("dh_spotlerinfo", "dh_spotlerjob"),
    }
    assert all(isinstance(command, Command) for command in CUSTOMISATION.commands)
