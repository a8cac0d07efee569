"""ML-02, ML-05, ML-14, ML-34: what the pages about marketing lists name is part of the release."""

from __future__ import annotations

import json
import re

import pytest

from shared.composition.settings import Settings
from shared.domain.features.lists import INACTIVE, LeftOut, ListKind
from shared.installation.desired.reading import read_desired_state
from tests.installed import installed_schema
from tests.programs.node import ROOT, WEB_RESOURCES

LISTS = (ROOT / "docs/howto/lists.md").read_text(encoding="utf-8")
BUTTON = (ROOT / "docs/howto/list-button.md").read_text(encoding="utf-8")


def test_ml_05_c_06_the_page_explains_every_kind_and_which_is_the_default() -> None:
    kinds = re.findall(
        r"^\| `(\w+)`( \(default\))? \| ", LISTS.partition("## Kinds")[2].partition("## ")[0], re.MULTILINE
    )

    assert {kind for kind, _ in kinds} == set(ListKind)
    assert [kind for kind, mark in kinds if mark] == [Settings.model_fields["spotler_list_kind"].default]


def test_the_page_explains_every_reason_that_lists_have_of_their_own() -> None:
    table = LISTS.partition("## Who is left out")[2].partition("## ")[0]
    assert set(re.findall(r"`([\w-]+)`", table)) >= {*LeftOut, *INACTIVE}


@pytest.mark.parametrize("setting", ["SPOTLER_LIST_KIND", "LIST_REMOVALS_AT_ONCE", "SYNC_TABLES"])
def test_settings_that_the_page_names_exist(setting: str) -> None:
    assert setting in LISTS
    assert setting.lower() in Settings.model_fields


@pytest.mark.parametrize("column", ["DoNotSendOnOptOut", "IgnoreInactiveListMembers", "dh_spotlerlistkind"])
def test_ml_34_columns_that_the_page_names_are_columns_of_a_list(column: str) -> None:
    assert f"`{column}`" in LISTS
    assert column.lower() in installed_schema().tables["list"].columns


def test_the_page_asks_for_the_steps_that_are_installed() -> None:
    paragraph = LISTS.partition("Register asynchronous")[2].partition("\n\n")[0]
    steps = [step for step in read_desired_state({}).steps if step.table in {"list", "listmember"}]

    for step in steps:
        assert f"`{step.message}`" in paragraph
        assert all(f"`{column}`" in paragraph for column in (*step.columns, *step.image))


def test_ml_14_the_page_about_the_button_names_the_script_and_its_function() -> None:
    (name,) = set(re.findall(r"`(dh_\w+\.js)`", BUTTON))
    (library, function) = re.findall(r"function `(\w+)\.(\w+)`", BUTTON)[0]
    script = (WEB_RESOURCES / name).read_text(encoding="utf-8")

    assert f"var {library} = (function" in script
    assert f"{function}: {function}" in script.rpartition("return {")[2]


def test_the_settings_of_an_organisation_without_sales_can_be_used() -> None:
    (value,) = re.findall(r"`SYNC_TABLES=([\w,]+)`", LISTS)
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    given = {name.lower(): re.sub("<[^<>]*>", "filled-in-0123456789", text) for name, text in sample.items() if text}
    read = Settings.model_validate({**given, "sync_tables": value})
    assert {str(table) for table in read.sync_tables} == set(value.split(","))
