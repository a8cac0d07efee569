"""The command New Spotler Job of contacts, accounts and leads, run by node on a fake page (UI-05)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.domain.records.jobs import Operation
from tests.installed import installed_schema
from tests.programs.node import WEB_RESOURCES, play

ANN, BOB = "6d81597f-0f9f-e711-8122-000d3aa2331c", "6d81597f-0f9f-e711-8122-000d3aa2331d"
PAGE = Path(__file__).with_name("person_command") / "fake_page.js"


def press(**scene: Any) -> dict[str, Any]:
    seen: dict[str, Any] = play(PAGE, WEB_RESOURCES / "dh_spotlerperson.js", scene)
    return seen


def row_of(identifier: str, table: str = "contact", name: str = "Somebody") -> dict[str, str]:
    return {"Id": "{" + identifier.upper() + "}", "Name": name, "TypeName": table}


@pytest.mark.parametrize(
    ("table", "column"), [("contact", "dh_customerid"), ("account", "dh_customerid"), ("lead", "dh_leadid")]
)
def test_on_a_form_a_new_job_opens_with_the_record_filled_in(table: str, column: str) -> None:
    seen = press(form={"id": "{" + ANN.upper() + "}", "table": table, "name": "Somebody"})

    assert seen["opened"] == [
        [{"entityName": "dh_spotlerjob"}, {column: [{"id": ANN, "entityType": table, "name": "Somebody"}]}]
    ]
    assert seen["created"] == []
    assert table in installed_schema().tables["dh_spotlerjob"].columns[column].targets


@pytest.mark.parametrize("form_type", [1, 4])
def test_a_record_that_is_new_or_deactivated_gets_no_job(form_type: int) -> None:
    seen = press(form={"id": "", "table": "contact", "name": "", "formType": form_type})

    assert "Save the record, or activate it" in seen["alerts"][0]
    assert seen["opened"] == []


def test_one_selected_row_opens_the_form_as_well() -> None:
    seen = press(selected=[row_of(ANN)])

    assert len(seen["opened"]) == 1
    assert (seen["questions"], seen["created"]) == ([], [])


@pytest.mark.parametrize("table", ["contact", "account", "lead"])
def test_several_selected_rows_get_a_job_each_after_ok(table: str) -> None:
    seen = press(selected=[row_of(ANN, table), row_of(BOB, table)])

    columns = installed_schema().tables["dh_spotlerjob"].columns
    navigation = columns["dh_leadid" if table == "lead" else "dh_customerid"].targets[table]
    assert [row for _, row in seen["created"]] == [
        {
            "dh_name": "Sync Contact: Somebody",
            "dh_operation": int(Operation.SYNC_CONTACT),
            f"{navigation}@odata.bind": f"/{table}s({identifier})",
        }
        for identifier in (ANN, BOB)
    ]
    assert "2 Spotler Jobs will be created" in seen["questions"][0]
    assert (seen["refreshed"], seen["errors"]) == (1, [])


def test_who_does_not_confirm_or_selects_nothing_has_done_nothing() -> None:
    refused, empty = press(selected=[row_of(ANN), row_of(BOB)], confirms=False), press(selected=[])

    assert (refused["created"], empty["created"]) == ([], [])
    assert empty["alerts"] == ["Select one or more records first."]


def test_a_refused_job_is_told_and_the_others_are_created() -> None:
    seen = press(selected=[row_of(ANN), row_of(BOB)], refused=[ANN])

    assert len(seen["created"]) == 1
    assert seen["errors"] == ["1 Spotler Jobs were created, 1 were refused: no privilege"]


def test_a_long_name_fits_into_the_name_of_the_job() -> None:
    seen = press(selected=[row_of(ANN, name="x" * 300), row_of(BOB)])

    assert len(seen["created"][0][1]["dh_name"]) == 200
