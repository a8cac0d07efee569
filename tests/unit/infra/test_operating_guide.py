"""docs/howto/operate.md has a section for each alarm: what to look at, and what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.composition.settings import Settings
from shared.installation.yaml_files import read_yaml
from shared.local.commands.provisioning.install_command import KEY_VARIABLE
from shared.triggers.http.access import ROUTES
from tests.unit.infra.templates import INFRA, PROJECT

ALARMS: list[dict[str, Any]] = read_yaml(INFRA / "alarms.yaml")["alarms"]
GUIDE = (PROJECT / "docs" / "howto" / "operate.md").read_text()
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", GUIDE, flags=re.MULTILINE | re.DOTALL))


def test_the_sections_are_those_of_the_alarms_with_the_gravest_first() -> None:
    assert list(SECTIONS) == [alarm["name"] for alarm in sorted(ALARMS, key=lambda alarm: alarm["severity"])]


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm["name"])
def test_a_section_says_how_grave_it_is_what_to_do_and_what_to_look_at(alarm: dict[str, Any]) -> None:
    meaning, do, look = (one.strip() for one in SECTIONS[alarm["name"]].strip().split("\n\n"))

    assert meaning == f"Severity {alarm['severity']}. {alarm['meaning']}"
    assert do == f"**Do**: {alarm['action']}"
    assert look.startswith(f"**Look at**: `{alarm['metric']}` in the workbook")
    for dimension in alarm.get("split", []):
        assert dimension in look


def test_every_route_that_the_guide_names_is_one_of_the_app() -> None:
    known = {f"{route.method.value} /api/{route.path}" for route in ROUTES.values()}

    assert set(re.findall(r"(?:GET|POST|PUT) /api/[a-z/-]+", GUIDE)) <= known


def test_every_setting_that_the_guide_names_is_one_of_the_app_or_of_the_installer() -> None:
    known = {(field.alias or name).upper() for name, field in Settings.model_fields.items()}

    assert set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", GUIDE)) <= known | {KEY_VARIABLE}
