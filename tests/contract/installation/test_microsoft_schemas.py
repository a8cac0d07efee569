"""Microsoft's schemas accept the XML that users of Dynamics see: forms, views, charts, dashboard, site map.

Own forms have no error at all. Forms of others have errors of their own (newer parameters, attributes of managed
forms); the own tab adds none.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import xmlschema

from shared.installation.pages.forms.building import build_form
from shared.installation.pages.forms.specification import OwnForm
from shared.installation.pages.hub.dashboard import build_dashboard
from shared.installation.pages.hub.site_map import build_site_map
from shared.installation.pages.ids import stable_id
from shared.installation.pages.languages import Languages
from shared.installation.pages.queries.charts import Chart, data_description
from shared.installation.pages.queries.views import View, layout
from shared.installation.pages.xml import parse
from tests.customisation import CHARTS, CUSTOMISATION, EXISTING, FORM, TABS, around, existing_form, merged, table_of
from tests.microsoft_schemas import compile_schema, faults

HUB = CUSTOMISATION.hub


@pytest.fixture(scope="module")
def form_schema(tmp_path_factory: pytest.TempPathFactory) -> xmlschema.XMLSchema:
    return compile_schema("FormXml", tmp_path_factory.mktemp("forms"))


@pytest.fixture(scope="module")
def fetch_schema(tmp_path_factory: pytest.TempPathFactory) -> xmlschema.XMLSchema:
    return compile_schema("Fetch", tmp_path_factory.mktemp("fetch"))


@pytest.mark.parametrize("form", CUSTOMISATION.forms, ids=lambda form: form.key)
@pytest.mark.parametrize("has_sales", [True, False])
def test_an_own_form_has_no_error(form_schema: xmlschema.XMLSchema, form: OwnForm, has_sales: bool) -> None:  # noqa: FBT001
    formxml = build_form(form, stable_id("form", form.key), around(has_sales=has_sales))

    assert faults(form_schema, formxml) == []


@pytest.mark.parametrize("form", CUSTOMISATION.forms, ids=lambda form: form.key)
def test_the_form_that_an_uninstallation_leaves_has_no_error(form_schema: xmlschema.XMLSchema, form: OwnForm) -> None:
    formxml = build_form(form.plain(), stable_id("form", form.key), around())

    assert faults(form_schema, formxml) == []


@pytest.mark.parametrize("name", EXISTING)
def test_the_own_tab_adds_no_error_to_a_form_of_others(form_schema: xmlschema.XMLSchema, name: str) -> None:
    before = existing_form(name)
    after = merged(before, table_of(name))
    number = len(parse(after, "the form").findall("tabs/tab"))

    found = faults(form_schema, after)

    assert [fault for fault in found if f"/tab[{number}]" in fault[0]] == []
    assert [reason for _, reason in found] == [reason for _, reason in faults(form_schema, before)]


@pytest.mark.parametrize("table", sorted(TABS))
def test_the_tab_of_every_table_is_valid_in_a_form_that_is(form_schema: xmlschema.XMLSchema, table: str) -> None:
    formxml = merged(existing_form("contact_no_events"), table)

    assert faults(form_schema, formxml) == []


def test_the_schema_finds_a_wrong_tab(form_schema: xmlschema.XMLSchema) -> None:
    formxml = merged(existing_form("contact_no_events"), "contact").replace('IsUserDefined="1"', 'own="1"')

    assert [path for path, _ in faults(form_schema, formxml) if "/tab[2]" in path]


def test_the_dashboard_has_no_error(form_schema: xmlschema.XMLSchema) -> None:
    assert faults(form_schema, build_dashboard(HUB.dashboard, CHARTS, around())) == []


@pytest.mark.parametrize("view", CUSTOMISATION.views, ids=lambda view: view.key)
def test_the_query_of_a_view_has_no_error(fetch_schema: xmlschema.XMLSchema, view: View) -> None:
    assert faults(fetch_schema, view.fetch) == []


@pytest.mark.parametrize("view", CUSTOMISATION.views, ids=lambda view: view.key)
def test_the_layout_of_a_view_has_no_error(fetch_schema: xmlschema.XMLSchema, view: View) -> None:
    saved = (
        f"<savedquery><name>{view.name.en}</name><savedqueryid>{view.id}</savedqueryid>"
        "<returnedtypecode>10123</returnedtypecode><querytype>0</querytype>"
        f"<layoutxml>{layout(view, 10123)}</layoutxml></savedquery>"
    )

    assert faults(fetch_schema, saved) == []
    assert faults(fetch_schema, saved.replace('object="10123"', ""))


@pytest.mark.parametrize("chart", CUSTOMISATION.charts, ids=lambda chart: chart.key)
def test_what_a_chart_counts_has_no_error(tmp_path: Path, fetch_schema: xmlschema.XMLSchema, chart: Chart) -> None:
    described = data_description(chart)
    (fetch,) = re.findall("<fetch .*</fetch>", described)

    assert faults(fetch_schema, fetch) == []
    assert faults(compile_schema("VisualizationDataDescription", tmp_path), described) == []


@pytest.mark.parametrize("has_sales", [True, False])
def test_the_site_map_has_no_error(tmp_path: Path, has_sales: bool) -> None:  # noqa: FBT001
    site_map = build_site_map(HUB.site_map, HUB.dashboard.id, Languages(), has_sales=has_sales)

    assert faults(compile_schema("SiteMap", tmp_path), site_map) == []
    assert ("lead" in site_map) is has_sales
    assert str(FORM) not in site_map
