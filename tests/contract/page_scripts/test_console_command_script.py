"""The commands Why? and Open Console, run by node on a fake page (UI-01): addresses hold ids, never names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.console.routes import match
from shared.console.web import Method
from tests.programs.node import WEB_RESOURCES, play

ANN = "6d81597f-0f9f-e711-8122-000d3aa2331c"
ADDRESS = "https://app.azurewebsites.net/console"
PAGE = Path(__file__).with_name("console_command") / "fake_page.js"


def press(variable: str | None = ADDRESS, **scene: Any) -> dict[str, Any]:
    seen: dict[str, Any] = play(PAGE, WEB_RESOURCES / "dh_spotlerconsole.js", {"variable": variable, **scene})
    return seen


def path_of(address: str) -> tuple[str, ...]:
    return tuple(part for part in address.removeprefix(ADDRESS).split("/") if part)


@pytest.mark.parametrize("table", ["contact", "account", "lead"])
def test_why_opens_the_page_of_the_person(table: str) -> None:
    seen = press(f"{ADDRESS}/", form={"id": "{" + ANN.upper() + "}", "table": table})

    assert seen["opened"] == [f"{ADDRESS}/person/{table}/{ANN}"]
    assert match(Method.GET, path_of(seen["opened"][0])) is not None


@pytest.mark.parametrize(("table", "page"), [("dh_spotlerjob", "/jobs"), ("dh_spotlerinfo", "/people"), (None, "")])
def test_the_hub_opens_the_console(table: str | None, page: str) -> None:
    seen = press(selected=[{"Id": ANN, "Name": "Somebody", "TypeName": table}] if table else [])

    assert seen["opened"] == [f"{ADDRESS}{page}"]
    assert match(Method.GET, path_of(seen["opened"][0])) is not None


@pytest.mark.parametrize(
    "scene",
    [
        {"variable": None},
        {"refused": True},
        {"variable": "javascript:alert(1)"},
        {"variable": "http://elsewhere/console"},
    ],
)
def test_without_an_address_the_user_reads_who_sets_it(scene: dict[str, Any]) -> None:
    seen = press(**{"form": {"id": ANN, "table": "contact"}, **scene})

    assert seen["opened"] == []
    assert "an administrator sets the environment variable dh_spotlerconsole" in seen["alerts"][0]


def test_a_new_record_has_no_page_yet() -> None:
    seen = press(form={"id": "", "table": "contact", "formType": 1})

    assert (seen["opened"], len(seen["alerts"])) == ([], 1)
