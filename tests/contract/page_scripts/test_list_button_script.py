"""The button Sync To Spotler, run by node on a fake page: what it asks, and what it creates (ML-14, ML-16, ML-17).

`tests/scenario/lists/test_scenario_list_button.py` presses it with a Web API behind the page.
"""

from __future__ import annotations

from typing import Any

import pytest

from shared.adapters.dataverse.records.tables import LIST_TABLES
from shared.domain.records.jobs import Operation
from tests.installed import installed_schema
from tests.programs.node import press_sync

SPRING = "6d81597f-0f9f-e711-8122-000d3aa2331c"
DYNAMIC = (
    "<fetch version=\"1.0\" distinct='true' top='5'><entity name=\"contact\" ><attribute name='fullname' />"
    '<order attribute="fullname"></order><filter><condition attribute="jobtitle" operator="eq" value="a &gt; b" />'
    '</filter><link-entity name="account" from="accountid" to="parentcustomerid"><all-attributes/>'
    '<attribute name="name" alias="x>y"/></link-entity></entity></fetch>'
)


def press(count: Any = 412, *, confirms: bool = True, **scene: Any) -> dict[str, Any]:
    columns = {"listname": "Spring", "createdfromcode": 2, "type": False, "query": None, **scene.pop("columns", {})}
    return press_sync({"id": SPRING, "confirms": confirms, "list": columns, "count": count, **scene})


def test_ml_14_ml_23_ok_creates_a_job_that_the_connector_reads_and_nothing_else() -> None:
    seen = press()

    ((table, row),) = seen["created"]
    assert table == "dh_spotlerjob"
    assert row == {
        "dh_name": "Sync List: Spring",
        "dh_operation": int(Operation.SYNC_LIST),
        "dh_ListId@odata.bind": f"/lists({SPRING})",
    }
    assert installed_schema().tables[table].columns["dh_listid"].targets == {"list": "dh_ListId"}
    assert seen["notifications"] == ["The list is being synchronised. Its Spotler Status says how it ends."]
    assert (seen["errors"], seen["alerts"]) == ([], [])


def test_ml_16_ml_17_the_dialog_says_how_many_members_and_that_two_kinds_of_them_are_skipped() -> None:
    (question,) = press(1412)["questions"]

    assert question == (
        '1,412 members of "Spring" will be synchronised. Inactive and opted-out members will be skipped.'
    )
    assert press(1)["questions"][0].startswith('1 member of "Spring" will')


@pytest.mark.parametrize(
    ("inactive", "opted_out", "said"),
    [
        (None, None, " Inactive and opted-out members will be skipped."),
        (True, False, " Inactive members will be skipped."),
        (False, True, " Opted-out members will be skipped."),
        (False, False, ""),
    ],
)
def test_ml_17_ml_34_a_hidden_field_that_is_off_is_not_spoken_of(
    inactive: bool | None,  # noqa: FBT001  # parametrised
    opted_out: bool | None,  # noqa: FBT001
    said: str,
) -> None:
    columns = {"ignoreinactivelistmembers": inactive, "donotsendonoptout": opted_out}

    (question,) = press(columns=columns)["questions"]

    assert question == f'412 members of "Spring" will be synchronised.{said}'


def test_a_question_that_is_not_confirmed_has_no_effect() -> None:
    seen = press(confirms=False)

    assert len(seen["questions"]) == 1
    assert (seen["created"], seen["notifications"]) == ([], [])


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        ({"formType": 1}, "Save the list"),
        ({"formType": 4}, "or activate it"),
        ({"isDirty": True}, "Save your"),
    ],
)
def test_ml_38_a_list_that_is_not_saved_or_not_active_is_not_synchronised(scene: dict[str, Any], told: str) -> None:
    seen = press(**scene)

    assert told in seen["alerts"][0]
    assert (seen["questions"], seen["created"]) == ([], [])


@pytest.mark.parametrize(("code", "table"), [(code, str(table)) for code, table in LIST_TABLES.items()])
def test_members_are_counted_in_the_table_that_the_list_targets(code: int, table: str) -> None:
    ((asked, query),) = press(columns={"createdfromcode": code})["queries"]

    assert asked == table
    assert f'<attribute name="{table}id" alias="members" aggregate="countcolumn" distinct="true" />' in query
    assert f'value="{SPRING}"' in query


def test_the_query_of_a_dynamic_list_keeps_its_conditions_and_nothing_that_it_shows() -> None:
    ((_, query),) = press(columns={"type": True, "query": DYNAMIC})["queries"]

    assert query == (
        '<fetch version="1.0" mapping="logical" aggregate="true"><entity name="contact" >'
        '<attribute name="contactid" alias="members" aggregate="countcolumn" distinct="true" />'
        '<filter><condition attribute="jobtitle" operator="eq" value="a &gt; b" /></filter>'
        '<link-entity name="account" from="accountid" to="parentcustomerid"></link-entity></entity></fetch>'
    )


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ({"message": "too many", "errorCode": -2147164125}, 'More than 50,000 members of "Spring" will be'),
        ({"message": "AggregateQueryRecordLimit exceeded."}, 'More than 50,000 members of "Spring" will be'),
        ({"message": "no privilege"}, "they could not be counted: no privilege"),
    ],
)
def test_a_list_that_cannot_be_counted_can_be_synchronised(problem: dict[str, Any], said: str) -> None:
    seen = press(problem)

    assert said in seen["questions"][0]
    assert len(seen["created"]) == 1


def test_a_dynamic_list_without_a_query_says_so() -> None:
    (question,) = press(columns={"type": True})["questions"]

    assert "could not be counted: the list has no query that can be read." in question


def test_a_job_that_dataverse_refuses_is_told() -> None:
    seen = press(refusal="prvCreatedh_spotlerjob is missing")

    assert seen["errors"] == ["The list was not synced to Spotler: prvCreatedh_spotlerjob is missing"]
    assert seen["notifications"] == []


def test_a_long_name_fits_into_the_name_of_the_job() -> None:
    ((_, row),) = press(columns={"listname": "x" * 300})["created"]

    assert len(row["dh_name"]) == 200


SUMMER = "6d81597f-0f9f-e711-8122-000d3aa2331d"


def row(name: str, *, statecode: int = 0) -> dict[str, Any]:
    return {"listname": name, "createdfromcode": 2, "type": False, "query": None, "statecode": statecode}


def press_in_a_view(**scene: Any) -> dict[str, Any]:
    lists = {SPRING: row("Spring"), SUMMER: row("Summer", statecode=scene.pop("statecode", 0))}
    return press_sync({"selected": [SPRING, SUMMER], "lists": lists, "count": 5, "confirms": True, **scene})


def test_ml_14_in_a_view_every_selected_list_gets_a_job_after_one_question() -> None:
    seen = press_in_a_view()

    assert [row["dh_ListId@odata.bind"] for _, row in seen["created"]] == [f"/lists({SPRING})", f"/lists({SUMMER})"]
    (question,) = seen["questions"]
    assert '5 members of "Spring"' in question
    assert '5 members of "Summer"' in question


def test_ml_38_in_a_view_lists_that_are_not_active_are_left_out_and_said() -> None:
    seen = press_in_a_view(statecode=1)

    assert [row["dh_name"] for _, row in seen["created"]] == ["Sync List: Spring"]
    assert "Lists that are not active are left out: 1." in seen["questions"][0]


def test_in_a_view_who_selects_nothing_or_does_not_confirm_has_done_nothing() -> None:
    nothing, refused = press_in_a_view(selected=[]), press_in_a_view(confirms=False)

    assert (nothing["created"], refused["created"]) == ([], [])
    assert nothing["alerts"] == ["Select one or more marketing lists first."]


def test_in_a_view_a_refusal_says_how_many_lists_were_synced_before_it() -> None:
    seen = press_in_a_view(refusal="no privilege", refusedFrom=2)

    assert seen["errors"] == ["Lists synced to Spotler: 1. The next one was not: no privilege"]
