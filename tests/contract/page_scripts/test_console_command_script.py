"""The commands and the page that lead to the console, run by node (UI-01): addresses hold ids, never names."""

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


def test_the_entry_of_the_hub_opens_the_console_and_keeps_a_link() -> None:
    seen = press(f"{ADDRESS}/", search="")

    (line,) = seen["lines"]
    link = {"tag": "a", "textContent": "Open the console", "href": ADDRESS, "target": "_blank", "rel": "noopener"}
    assert line["inner"] == link
    assert (seen["opened"], seen["language"]) == ([ADDRESS], "en")


@pytest.mark.parametrize("table", ["contact", "account", "lead"])
def test_why_on_the_tab_links_to_the_page_of_the_person_and_opens_nothing(table: str) -> None:
    search = f"?id=%7b{ANN.upper()}%7d&orglcid=1033&orgname=contoso&type=2&typename={table}&userlcid=1043"
    seen = press(search=search, language=1043)

    link = seen["lines"][0]["inner"]
    assert link["href"] == f"{ADDRESS}/person/{table}/{ANN}"
    assert match(Method.GET, path_of(link["href"])) is not None
    assert link["textContent"] == "Waarom staat dit record (niet) in Spotler?"
    assert (seen["opened"], seen["language"]) == ([], "nl")


@pytest.mark.parametrize(("language", "told"), [(1033, "an administrator sets"), (1043, "een beheerder vult")])
@pytest.mark.parametrize("search", ["", f"?typename=contact&id={ANN}"])
def test_without_an_address_the_page_says_who_sets_it(language: int, told: str, search: str) -> None:
    seen = press(None, search=search, language=language)

    assert told in seen["lines"][0]["textContent"]
    assert "dh_spotlerconsole" in seen["lines"][0]["textContent"]
    assert (len(seen["lines"]), seen["opened"]) == (1, [])


def test_the_tab_of_a_new_record_asks_to_save_first() -> None:
    seen = press(search="?typename=contact&type=2")

    assert seen["lines"] == [
        {"tag": "p", "textContent": "Save the record first: the console explains records by their id."}
    ]


def test_the_page_has_the_script_and_the_place_that_it_fills() -> None:
    page = (WEB_RESOURCES / "dh_spotlerconsole.html").read_text(encoding="utf-8")

    assert '<script src="dh_spotlerconsole.js" defer></script>' in page
    assert '<main id="dh_spotlerconsole"></main>' in page
