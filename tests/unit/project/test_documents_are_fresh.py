"""Generated parts of documents are those of the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.local.pages.alarms_table import alarms_table
from shared.local.pages.dataverse_tables import dataverse_tables
from shared.local.pages.roles import roles_table
from shared.local.pages.rooms_table import rooms_table
from shared.local.pages.settings_table import settings_table
from shared.local.spotler_sandbox.http.documentation import calls_table
from shared.telemetry.signals import signals_table
from shared.triggers.http.access import routes_table

ROOT = Path(__file__).resolve().parents[3]


def test_the_readme_has_the_settings_table_of_the_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    begin, end = readme.index("<!-- settings:"), readme.index("<!-- /settings -->")

    assert readme[begin:end].partition("-->\n")[2].strip() == settings_table(), "run: python -m shared settings"


@pytest.mark.parametrize(
    ("document", "name", "table"),
    [
        ("docs/security.md", "routes", routes_table),
        ("docs/security.md", "roles", roles_table),
        ("docs/observability.md", "metrics", signals_table),
        ("docs/observability.md", "alarms", alarms_table),
        ("docs/sandbox.md", "calls", calls_table),
        ("docs/architecture.md", "rooms", rooms_table),
        ("docs/tables.md", "tables", dataverse_tables),
    ],
)
def test_generated_tables_are_those_of_the_code(document: str, name: str, table: Callable[[], str]) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    begin, end = text.index(f"<!-- {name}:"), text.index(f"<!-- /{name} -->")

    assert text[begin:end].partition("-->\n")[2].strip() == table(), f"run: python -m shared {name}"


def test_tests_that_the_threat_model_names_exist() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    known = {path.name for path in (ROOT / "tests").rglob("*.py")}

    named = set(re.findall(r"(\w+)\.py", text)) - {"odata", "fetchxml"}
    assert named
    assert {f"{one}.py" for one in named} <= known
    assert not [path for path in re.findall(r"`(tests/[\w/]+\.py)", text) if not (ROOT / path).is_file()]


def test_modules_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    known = [path.as_posix() for room in ("shared", "tests") for path in (ROOT / room).rglob("*.py")]

    named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)`", text)) - {"__init__.py"}
    assert len(named) > 30
    assert not [one for one in named if not any(path.endswith(f"/{one}") for path in known)]


def test_every_decision_is_numbered_in_its_title() -> None:
    for path in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        number = int(path.name[:4])
        assert path.read_text(encoding="utf-8").startswith(f"# {number}. "), path.name
