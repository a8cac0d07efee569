"""The files of `infra/dataverse/`: what they say, and what is refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from shared.domain.records.jobs import Operation
from shared.domain.records.records import PersonTable
from shared.errors import ConfigurationError
from shared.installation.desired.reading import FOLDER, read_desired_state
from shared.installation.desired.state import OnDelete
from shared.installation.yaml_files import read_yaml
from tests.installed import installed_schema

STATE = read_desired_state({})
OWN = {table.name: table for table in STATE.tables}


def test_what_is_installed_has_the_tables_columns_and_sets_that_the_page_names() -> None:
    page = (FOLDER.parents[1] / "docs" / "tables.md").read_text(encoding="utf-8")
    installed = installed_schema().tables
    sections = re.findall(r"^### .* `(dh_\w+)`, set `(\w+)`\n(.*?)^### ", page, re.MULTILINE | re.DOTALL)
    assert {name for name, _, _ in re.findall(r"^### .* `(dh_\w+)`, (set) (`)", page, re.MULTILINE)} == OWN.keys()
    for name, entity_set, text in sections:
        assert installed[name].set_name == entity_set
        own = {column for column in installed[name].columns if column.startswith("dh_")} - {f"{name}id"}
        assert set(re.findall(r"^\| `(dh_\w+)`", text, re.MULTILINE)) == own


def test_every_operation_of_a_job_is_an_option() -> None:
    (operation,) = [column for column in OWN["dh_spotlerjob"].columns if column.logical == "dh_operation"]
    assert {option.value for option in operation.options} == {int(one) for one in Operation}
    assert operation.required


def test_a_campaign_gets_the_nineteen_columns_of_its_insights_and_the_mark_of_spotler() -> None:
    (campaign,) = [table for table in STATE.standard_tables if table.name == "campaign"]
    columns = {column.logical for column in campaign.columns}
    mark = {"dh_spotlermailingid", "dh_spotlertype", "dh_onlineversion", "dh_statisticson", "dh_statisticsfrozen"}
    assert len(columns - mark - {"dh_spotlerremark"}) == 19
    assert mark <= columns  # BULK-08


def test_tbl_01_to_06_the_own_tables_are_those_of_the_specification() -> None:
    assert set(OWN) == {
        "dh_spotlerinfo",
        "dh_spotlerpermission",
        "dh_spotlerjob",
        "dh_spotlerautomation",
        "dh_marketinginteraction",
        "dh_websitevisitor",
    }


def test_tbl_07_to_10_web_09_standard_tables_point_to_status_and_visitor_and_contacts_have_no_visitor() -> None:
    lookups = {(one.table, one.schema_name) for one in STATE.lookups}
    standard = {one for one in lookups if not one[0].startswith("dh_")}

    assert standard == {
        *((table, "dh_SpotlerInfo") for table in ("account", "contact", "lead", "list")),
        *((table, "dh_WebsiteVisitor") for table in ("account", "lead")),
    }


def test_interactions_and_permissions_are_deleted_with_their_person() -> None:
    people = set(PersonTable)
    of_people = [one for one in STATE.lookups if one.logical in {"dh_customerid", "dh_leadid"}]
    cascading = {one.table for one in of_people for to in one.targets if to.on_delete is OnDelete.CASCADE}
    assert cascading == {"dh_marketinginteraction", "dh_spotlerpermission"}
    for lookup in STATE.lookups:
        if lookup.table in cascading and people & {to.table for to in lookup.targets}:
            assert all(to.on_delete is OnDelete.CASCADE for to in lookup.targets)


def test_every_option_and_value_lies_in_the_range_of_the_publisher() -> None:
    prefix = STATE.publisher.option_prefix * 10_000
    values = [reason.value for table in STATE.tables for reason in table.status_reasons]
    values += [option.value for table in STATE.tables for column in table.columns for option in column.options]
    assert all(value in {0, 1, 2} or prefix <= value < prefix + 10_000 for value in values)


def test_what_depends_on_sales_says_so() -> None:
    sales = {"lead", "list", "campaign"}
    assert {table.name for table in STATE.standard_tables if table.needs_sales} == sales
    for lookup in STATE.lookups:
        assert lookup.needs_sales == bool(sales & set(lookup.tables)), lookup.name


def test_the_steps_of_people_hear_of_the_mapped_columns() -> None:
    mapped = {str(table): frozenset({"firstname"}) for table in PersonTable}
    updates = [step for step in read_desired_state(mapped).steps if step.message == "Update"]
    assert {step.table for step in updates if step.columns == {"firstname"}} == set(PersonTable)


@pytest.mark.parametrize(
    ("file", "line", "told"),
    [
        ("lookups.yaml", "lookups: [{table: contact}]", r"lookups\.yaml: lookups\.0\.column"),
        ("variables.yaml", "variables: [", r"variables\.yaml is not YAML"),
        ("standard-tables.yaml", "tables: [{table: contact, needs: golf, columns: []}]", r"tables\.0\.needs"),
    ],
)
def test_a_wrong_file_is_named_with_the_place(file: str, line: str, told: str, tmp_path: Path) -> None:
    folder = tmp_path / "dataverse"
    shutil.copytree(FOLDER, folder)
    (folder / file).write_text(line, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=told):
        read_desired_state({}, folder)


def test_every_text_has_english_and_dutch() -> None:
    for path in FOLDER.rglob("*.yaml"):
        for texts in _texts(read_yaml(path)):
            assert texts["en"].strip(), path
            assert texts["nl"].strip(), path


def _texts(node: object) -> list[dict[str, str]]:
    if isinstance(node, dict):
        own = [node] if node.keys() == {"en", "nl"} else []
        return own + [one for value in node.values() for one in _texts(value)]
    return [one for value in node for one in _texts(value)] if isinstance(node, list) else []
