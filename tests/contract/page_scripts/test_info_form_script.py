"""The script of the Spotler Info form, run by node on a fake form: which jobs it shows (STA-02)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.installed import installed_schema
from tests.programs.node import WEB_RESOURCES, play

STATUS, ANN, SPRING = (f"6d81597f-0f9f-e711-8122-000d3aa2331{digit}" for digit in "abc")
FAKE = Path(__file__).with_name("info_form") / "fake_form.js"


def load(**scene: Any) -> dict[str, Any]:
    seen: dict[str, Any] = play(FAKE, WEB_RESOURCES / "dh_spotlerinfo.js", {"id": STATUS, **scene})
    return seen


@pytest.mark.parametrize(
    ("table", "column"),
    [("contact", "dh_customerid"), ("account", "dh_customerid"), ("lead", "dh_leadid"), ("list", "dh_listid")],
)
def test_the_jobs_of_the_record_with_this_status_are_shown(table: str, column: str) -> None:
    seen = load(owners={table: [ANN]})

    assert seen["visible"]
    assert (
        seen["filter"] == f'<filter type="or"><condition attribute="{column}" operator="eq" value="{ANN}" /></filter>'
    )
    assert table in installed_schema().tables["dh_spotlerjob"].columns[column].targets


def test_the_question_names_the_lookup_that_persons_and_lists_have() -> None:
    seen = load()

    assert [table for table, _ in seen["asked"]] == ["contact", "account", "lead", "list"]
    assert all(f"_dh_spotlerinfo_value eq {STATUS}" in options for _, options in seen["asked"])


def test_a_table_that_the_organisation_lacks_is_passed_over() -> None:
    seen = load(owners={"contact": [ANN]}, missing=["lead", "list"])

    assert seen["visible"]
    assert ANN in seen["filter"]


@pytest.mark.parametrize("scene", [{"canFilter": False, "owners": {"contact": [ANN]}}, {"owners": {}}, {"id": ""}])
def test_jobs_of_all_records_are_never_shown(scene: dict[str, Any]) -> None:
    seen = load(**scene)

    assert (seen["visible"], seen["filter"], seen["refreshed"]) == (False, None, 0)


def test_a_form_without_the_grid_is_no_trouble() -> None:
    assert load(hasGrid=False)["asked"] == []
