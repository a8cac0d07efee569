"""The how-to pages ask for the steps that the connector needs, and name only things that exist."""

from __future__ import annotations

import re
import sys
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from shared import __main__ as program
from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.composition.settings import Settings
from shared.domain.mapping.reading import reading_of
from shared.domain.records.records import PersonTable
from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.state import EventStep
from shared.triggers.http.access import routes_table

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SETUP = (ROOT / "docs/howto/setup.md").read_text(encoding="utf-8")
SETTINGS = {field.alias or name.upper() for name, field in Settings.model_fields.items()}
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def steps_of_the_page() -> set[EventStep]:
    """The steps that the page asks for; the columns of the rules stand for those of a mapping."""
    found: set[EventStep] = set()
    rows = SETUP.partition("| table | message |")[2].partition("\n\n")[0].splitlines()[2:]
    for row in rows:
        tables, messages, columns, images = (tuple(re.findall(r"`(\w+)`", cell)) for cell in row.split("|")[1:5])
        assert ("the mapped columns" in row) is (messages == ("Update",) and set(tables) <= set(PersonTable))
        found |= {EventStep(table, message, frozenset(columns), images) for table in tables for message in messages}
    return found


def test_the_page_asks_for_the_steps_that_are_installed() -> None:
    asked = {(one.table, one.message): one for one in steps_of_the_page()}
    needed = {(one.table, one.message): one for one in read_desired_state({}).steps}

    assert asked.keys() == needed.keys()
    for key, step in needed.items():
        assert set(asked[key].image) == set(step.image)
        if key[0] not in set(PersonTable):
            assert set(asked[key].columns) == set(step.columns)


@pytest.mark.parametrize("table", PersonTable)
def test_map_35_the_step_for_update_hears_of_the_columns_of_the_rules(table: PersonTable) -> None:
    (update,) = [one for one in steps_of_the_page() if (one.table, one.message) == (table, "Update")]
    mapped = reading_of(load_mapping(DEFAULT_MAPPING), table).watched

    assert set(update.columns) <= mapped
    assert set(update.columns) == {
        name for name in mapped if name in {"statecode", "donotemail", "donotbulkemail", "merged", "originatingleadid"}
    }


@pytest.mark.parametrize("audience", ["marketers", "administrators", "partners"])
def test_gen_04_the_readme_leads_each_audience_to_its_page(audience: str) -> None:
    assert f"(docs/for-{audience}.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert (ROOT / f"docs/for-{audience}.md").read_text(encoding="utf-8").startswith(f"# For {audience}")


@pytest.mark.parametrize("requirement", ["EXA-01", "EXA-02", "EXA-03"])
def test_each_example_automation_has_its_steps(requirement: str) -> None:
    page = (ROOT / "docs/howto/example-automations.md").read_text(encoding="utf-8")
    section = page.partition(f"({requirement})")[2].partition("\n## ")[0]

    assert len(re.findall(r"^\d\. ", section, re.MULTILINE)) >= 3


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        led = (page.parent / path).resolve() if path else page
        assert led.exists(), target
        if anchor and led.suffix == ".md":
            assert anchor in anchors(led), target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_commands_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"python -m shared (\w+)", page.read_text(encoding="utf-8")))
    assert named <= commands()


@cache
def commands() -> frozenset[str]:
    """The commands that the program says it has."""
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(sys, "argv", ["shared", "--help"])
        with pytest.raises(SystemExit):
            program.main()
    (listed,) = re.findall(r"^  \{([\w,]+)\}$", said.getvalue(), re.MULTILINE)
    return frozenset(listed.split(","))


@pytest.mark.parametrize("page", sorted((ROOT / "docs/howto").glob("*.md")), ids=lambda page: page.name)
def test_calls_and_settings_that_a_how_to_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = {re.sub(r"\{[^}]+\}", "*", path) for path in re.findall(r"`\w+ (/api/\S+?)`", routes_table())}
    for call in re.findall(r"`(?:GET|POST|PUT) (/api/[^`?\s]+)", text):
        path = re.sub(r"\{[^}]+\}", "*", call.rstrip("…").rstrip("/"))
        assert any(re.fullmatch(one.replace("*", "[^/]+"), path) or one.startswith(path) for one in known), call
    for name in re.findall(r"`((?:SPOTLER|DATAVERSE|POLL|AUTOMATIONS|SYNC|ON|CREATE|BOUNCE|NEW)_[A-Z_]+)[`=]", text):
        assert name in SETTINGS, name
