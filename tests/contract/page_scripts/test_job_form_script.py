"""The job form's script, run by node against a fake form: what it shows for an operation, and what it fills in.

Without node these tests are skipped with that reason; with CI=true they fail.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.features.automation_fields import AutomationFieldsError, field_values, read_hints, write_hints
from shared.domain.features.automations import AutomationField, FieldType
from shared.domain.records.jobs import JobRow, JobStatus, Operation
from shared.operations.model.form import COLUMNS, form_table
from shared.operations.model.operation import JobRefused
from shared.operations.running.operation_table import OPERATIONS
from tests.installed import installed_schema
from tests.programs.node import WEB_RESOURCES, play

SCRIPT = WEB_RESOURCES / "dh_spotlerjob.js"
FAKE = Path(__file__).with_name("job_form") / "fake_form.js"

WELCOME, BIRTHDAY = "6d81597f-0f9f-e711-8122-000d3aa2331c", "6d81597f-0f9f-e711-8122-000d3aa2331d"
HINTS = "voucher=<STRING>\nlink=<URL>\ncart={<PRODUCTLIST>}"
PERSON = ("dh_customerid", "dh_leadid")


def run(scene: dict[str, Any]) -> Any:
    return play(FAKE, SCRIPT, scene)


def lookup(identifier: str) -> list[dict[str, str]]:
    """The value of a lookup, with the id as forms have it."""
    return [{"id": "{" + identifier.upper() + "}", "entityType": "dh_spotlerautomation"}]


@dataclass
class Form:
    """A job form, and what is done on it; `see` tells what was to be seen after each act."""

    columns: dict[str, Any] = field(default_factory=dict)
    form_type: int = 1
    absent: tuple[str, ...] = ()
    acts: list[list[Any]] = field(default_factory=lambda: [["load"]])

    def choose(self, operation: Operation) -> Form:
        return self.set("dh_operation", int(operation))

    def set(self, column: str, value: Any) -> Form:
        self.acts.append(["set", column, value])
        return self

    def act(self, *words: Any) -> Form:
        self.acts.append(list(words))
        return self

    def see(self) -> list[dict[str, Any]]:
        empty = dict.fromkeys(job_columns())
        automations = {WELCOME: HINTS, BIRTHDAY: None}
        views: list[dict[str, Any]] = run(
            {
                "columns": empty | self.columns,
                "formType": self.form_type,
                "absent": self.absent,
                "automations": automations,
                "acts": self.acts,
            }
        )
        return views


def job_columns() -> frozenset[str]:
    """The columns that a Spotler Job has in the simulated Dataverse."""
    return frozenset(installed_schema().tables["dh_spotlerjob"].columns)


def filled(view: dict[str, Any]) -> Any:
    return view["values"]["dh_automationfields"]


# ------------------------------------------------------------------------------------------------------ the parameters


def test_the_script_has_the_operations_of_the_code() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    begin, end = text.index("  // operations: generated"), text.index("  // end of operations")

    lines = [line.removeprefix("  ") for line in text[begin:end].splitlines()[1:]]
    assert "\n".join(lines) == form_table(), "run: python -m shared operations --form"


def test_every_parameter_of_every_operation_has_a_column_of_the_table() -> None:
    names = {name for operation in OPERATIONS.values() for name in operation.parameters.model_fields}

    assert names - {"person"} == COLUMNS.keys()
    assert set(COLUMNS.values()) <= job_columns()


@pytest.mark.parametrize("operation", list(Operation))
def test_ui_06_an_operation_shows_the_columns_that_it_reads_and_no_others(operation: Operation) -> None:
    view = Form().choose(operation).see()[-1]

    reads = OPERATIONS[operation].parameters.model_fields
    expected = {column for name, column in COLUMNS.items() if name in reads}
    assert set(view["visible"]) & set(COLUMNS.values()) == expected
    assert set(PERSON) <= set(view["visible"]) if "person" in reads else not set(PERSON) & set(view["visible"])


@pytest.mark.parametrize("operation", list(Operation))
def test_ui_06_the_form_requires_the_columns_without_which_a_job_is_refused(operation: Operation) -> None:
    required = set(Form().choose(operation).see()[-1]["required"])

    job = JobRow(UUID(WELCOME), JobStatus.QUEUED, operation, None, "")
    refused = OPERATIONS[operation].accept(job)
    if required:
        assert isinstance(refused, JobRefused)
        assert ("dh_customerid" in required) == ("needs a Customer" in refused.text)
        assert ("dh_parametername" in required) == (
            "in Parameter Name" in refused.text and "or its" not in refused.text
        )
        assert ("dh_parametervalue" in required) == ("in Parameter Value" in refused.text)
        assert ("dh_listid" in required) == ("needs a Marketing List" in refused.text)


def test_a_person_is_a_customer_or_a_lead() -> None:
    *_, nobody, lead, none_again = (
        Form()
        .choose(Operation.ADD_TAG)
        .choose(Operation.SYNC_CONTACT)
        .set("dh_leadid", lookup(WELCOME))
        .set("dh_leadid", None)
    ).see()

    assert [one["required"] for one in (nobody, lead, none_again)] == [["dh_customerid"], [], ["dh_customerid"]]


def test_parameter_name_is_called_what_the_operation_means_by_it() -> None:
    _, score, sync, again = (
        Form().choose(Operation.SET_SCORE).choose(Operation.SYNC_CONTACT).choose(Operation.ADD_TO_AUDIENCE)
    ).see()

    assert score["labels"]["dh_parametername"] == "The score's name"
    assert sync["labels"]["dh_parametername"] == "label of dh_parametername"
    assert again["labels"]["dh_parametername"] == "The list's name"


def test_values_of_another_operation_are_not_saved_unseen() -> None:
    view = (
        Form()
        .choose(Operation.SET_SCORE)
        .set("dh_parametername", "Lead")
        .set("dh_parametervalue", "5")
        .choose(Operation.CLEAR_CONTACT_FIELD)
    ).see()[-1]

    assert view["values"]["dh_parametername"] == "Lead"
    assert view["values"]["dh_parametervalue"] is None


def test_a_run_that_was_started_is_shown_whatever_the_operation() -> None:
    columns = {"dh_operation": int(Operation.START_AUTOMATION), "dh_automationcontactid": "run-1"}
    (view,) = Form(columns, form_type=2).see()

    assert "dh_automationcontactid" in view["visible"]


# ---------------------------------------------------------------------------------------------------- Automation Fields


def test_aut_14_choosing_operation_and_automation_fills_in_all_fields_with_their_types() -> None:
    _, operation, automation = (Form().choose(Operation.START_AUTOMATION).set("dh_automationid", lookup(WELCOME))).see()

    assert filled(operation) is None
    assert filled(automation) == HINTS
    assert automation["asked"] == [["dh_spotlerautomation", WELCOME, "?$select=dh_fields"]]


def test_aut_14_choosing_the_automation_before_the_operation_fills_in_the_same_fields() -> None:
    *_, view = Form().set("dh_automationid", lookup(WELCOME)).choose(Operation.START_AUTOMATION).see()
    assert filled(view) == HINTS


def test_aut_14_a_form_that_was_opened_from_an_automation_is_filled_at_once() -> None:
    (view,) = Form({"dh_operation": int(Operation.START_AUTOMATION), "dh_automationid": lookup(WELCOME)}).see()
    assert filled(view) == HINTS


def test_parameter_types_that_nobody_touched_follow_the_chosen_automation() -> None:
    start = Form().choose(Operation.START_AUTOMATION).set("dh_automationid", lookup(WELCOME))
    *_, welcome, birthday, nothing = start.set("dh_automationid", lookup(BIRTHDAY)).set("dh_automationid", None).see()

    assert (filled(welcome), filled(birthday), filled(nothing)) == (HINTS, None, None)


def test_typed_values_are_never_overwritten() -> None:
    typed = "voucher=X1\nlink=<URL>"
    *_, view = (
        Form()
        .choose(Operation.START_AUTOMATION)
        .set("dh_automationid", lookup(WELCOME))
        .set("dh_automationfields", typed)
        .set("dh_automationid", lookup(BIRTHDAY))
    ).see()

    assert filled(view) == typed


def test_a_late_answer_about_another_automation_fills_in_nothing() -> None:
    *_, late, right = (
        Form()
        .choose(Operation.START_AUTOMATION)
        .act("hold")
        .set("dh_automationid", lookup(WELCOME))
        .set("dh_automationid", lookup(BIRTHDAY))
        .act("answer", 0)
        .act("answer", 1)
    ).see()

    assert filled(late) is None
    assert filled(right) is None
    assert len(right["asked"]) == 2


def test_a_late_answer_does_not_overwrite_what_was_typed_meanwhile() -> None:
    *_, view = (
        Form()
        .choose(Operation.START_AUTOMATION)
        .act("hold")
        .set("dh_automationid", lookup(WELCOME))
        .set("dh_automationfields", "voucher=X1")
        .act("answer", 0)
    ).see()

    assert filled(view) == "voucher=X1"


def test_fields_that_cannot_be_read_are_told_and_the_job_can_be_typed_all_the_same() -> None:
    unknown = "00000000-0000-0000-0000-000000000001"
    *_, failed, mended = (
        Form()
        .choose(Operation.START_AUTOMATION)
        .set("dh_automationid", lookup(unknown))
        .set("dh_automationid", lookup(WELCOME))
    ).see()

    (told,) = failed["notifications"]
    assert told.startswith("WARNING: The fields of the automation could not be read")
    assert (mended["notifications"], filled(mended)) == ([], HINTS)


def test_a_job_that_was_saved_is_left_as_it_is() -> None:
    columns = {"dh_operation": int(Operation.START_AUTOMATION), "dh_automationid": lookup(WELCOME)}
    (view,) = Form(columns, form_type=2).see()

    assert filled(view) is None
    assert view["asked"] == []


def test_a_form_without_some_columns_works_with_the_others() -> None:
    absent = ("dh_leadid", "dh_parametervalue", "dh_automationfields")
    *_, view = (Form(absent=absent).choose(Operation.START_AUTOMATION).set("dh_automationid", lookup(WELCOME))).see()

    assert {"dh_automationid", "dh_parametername"} <= set(view["visible"])


# -------------------------------------------------------------------------------------------- the script and the server

names = st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="=;{}"), min_size=1, max_size=12)
offered = st.builds(AutomationField, names, st.sampled_from(FieldType))
automations = st.lists(offered, max_size=4, unique_by=lambda one: one.name)


def test_aut_14_types_that_were_left_in_place_are_refused_and_no_others_count_as_untouched() -> None:
    untouched: list[str] = []
    touched: list[str] = []

    @settings(max_examples=60, database=None)
    @given(automations)
    def collect(fields: list[AutomationField]) -> None:
        hints = write_hints(fields)
        untouched.append(hints)
        if fields:
            with pytest.raises(AutomationFieldsError, match="still holds its type hint"):
                field_values(hints, read_hints(hints))
            touched.append(hints.replace("=", "=x", 1))

    collect()
    written = ["voucher=STRING", "a=<URL>; b={<STRING>,<STRING>,etc}", "", " \n;", "cart={PRODUCTLIST}"]
    mine = ["a=", "a", "a=<DATE>", "a=<STRING>x", "cart={1,2}", "a=string"]
    texts = [*untouched, *written, *touched, *mine]

    results = run({"texts": texts})

    expected = [True] * (len(untouched) + len(written)) + [False] * (len(touched) + len(mine))
    assert [text for text, got, wanted in zip(texts, results, expected, strict=True) if got is not wanted] == []
