"""JOB-06..JOB-24: the parameters that each operation needs, and the error text for the author of a job without them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from shared.domain.records.jobs import JobRow, JobStatus, Operation, Repetition
from shared.domain.records.records import PersonTable, RecordKey
from shared.operations.model.operation import JobRefused, Task
from shared.operations.running.operation_table import OPERATIONS

ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))
LIST, WELCOME = UUID(int=2), UUID(int=3)

COMPLETE: dict[Operation, dict[str, Any]] = {
    Operation.SYNC_LIST: {"marketing_list": LIST},
    Operation.START_AUTOMATION: {"person": ANN, "automation": WELCOME, "automation_fields": "voucher=X1"},
    Operation.STOP_AUTOMATION: {"person": ANN, "automation": WELCOME},
    Operation.ADD_TO_AUDIENCE: {"person": ANN, "parameter_name": "Buyers"},
    Operation.REFRESH_AUTOMATIONS: {},
    Operation.DEACTIVATE_CONTACT: {"person": ANN},
    Operation.SYNC_CONTACT: {"person": ANN},
    Operation.PURGE_CONTACT: {"person": ANN},
    Operation.ANONYMIZE_CONTACT: {"person": ANN},
    Operation.ADD_TAG: {"person": ANN, "parameter_name": "Lead"},
    Operation.REMOVE_TAG: {"person": ANN, "parameter_name": "Lead"},
    Operation.SET_SCORE: {"person": ANN, "parameter_name": "Lead", "parameter_value": "-10"},
    Operation.INCREASE_SCORE: {"person": ANN, "parameter_name": "Lead", "parameter_value": "10"},
    Operation.DECREASE_SCORE: {"person": ANN, "parameter_name": "Lead", "parameter_value": "10"},
    Operation.REMOVE_FROM_AUDIENCE: {"person": ANN, "parameter_name": "Buyers"},
    Operation.SET_CONTACT_FIELD: {"person": ANN, "parameter_name": "hobby", "parameter_value": "chess"},
    Operation.CLEAR_CONTACT_FIELD: {"person": ANN, "parameter_name": "hobby"},
}

NEEDS_A_PERSON = [
    operation
    for operation in Operation
    if operation
    not in {
        Operation.SYNC_LIST,
        Operation.REFRESH_AUTOMATIONS,
        Operation.ADD_TAG,
        Operation.ADD_TO_AUDIENCE,
        Operation.STOP_AUTOMATION,
    }
]
SCORES = (Operation.SET_SCORE, Operation.INCREASE_SCORE, Operation.DECREASE_SCORE)


def accept(operation: Operation, **changes: Any) -> Any:
    columns = {"person": None, **COMPLETE[operation], **changes}
    job = JobRow(UUID(int=7), JobStatus.QUEUED, operation, etag="1", **columns)
    match OPERATIONS[operation].accept(job):
        case Task(parameters=parameters):
            return parameters
        case JobRefused(text):
            return text


@pytest.mark.parametrize("operation", list(Operation))
def test_every_operation_of_the_specification_accepts_a_complete_job(operation: Operation) -> None:
    assert not isinstance(accept(operation), str)


def test_harmful_operations_run_at_most_once() -> None:
    harmful = {one for one, operation in OPERATIONS.items() if operation.repetition is Repetition.HARMFUL}

    assert harmful == {Operation.START_AUTOMATION, Operation.INCREASE_SCORE, Operation.DECREASE_SCORE}


@pytest.mark.parametrize("operation", NEEDS_A_PERSON)
def test_an_operation_on_a_person_needs_one(operation: Operation) -> None:
    expected = f"{operation.label} needs a Customer (account or contact) or a Lead: fill one in."
    assert accept(operation, person=None) == expected


def test_all_missing_parameters_are_reported_at_once() -> None:
    text = accept(Operation.SET_SCORE, person=None, parameter_name="", parameter_value="ten")

    assert "a Customer" in text
    assert "one score in Parameter Name" in text
    assert "a whole number" in text


@pytest.mark.parametrize("operation", [Operation.ADD_TAG, Operation.REMOVE_TAG])
@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Lead", ("Lead",)),
        (" Lead ; Spain,France ", ("Lead", "Spain", "France")),
        ("Lead;;,lead", ("lead",)),
    ],
)
def test_tag_04_several_tags_are_separated_by_comma_or_semicolon(
    operation: Operation, text: str, tags: tuple[str, ...]
) -> None:
    assert accept(operation, parameter_name=text).parameter_name == tags


@pytest.mark.parametrize("operation", [Operation.ADD_TAG, Operation.REMOVE_TAG])
@pytest.mark.parametrize("text", ["", " ", ";,;"])
def test_a_tag_job_needs_a_tag(operation: Operation, text: str) -> None:
    assert accept(operation, parameter_name=text).startswith(f"{operation.label} needs a tag in Parameter Name")


def test_tag_03_add_tag_works_without_a_person() -> None:
    assert accept(Operation.ADD_TAG, person=None).parameter_name == ("Lead",)


@pytest.mark.parametrize("operation", SCORES)
@pytest.mark.parametrize(("text", "number"), [("10", 10), (" 7 ", 7), ("+3", 3), ("999999999", 999_999_999)])
def test_a_score_is_a_whole_number(operation: Operation, text: str, number: int) -> None:
    assert accept(operation, parameter_value=text).parameter_value == number


@pytest.mark.parametrize("operation", SCORES)
@pytest.mark.parametrize("text", ["", "ten", "1.5", "1,5", "1e3", "1_000", "٣", "1000000000", "--1"])
def test_anything_else_is_no_score(operation: Operation, text: str) -> None:
    assert "needs a whole number of at most nine digits in Parameter Value" in accept(operation, parameter_value=text)


def test_tag_07_a_score_may_be_set_to_a_negative_number_or_zero() -> None:
    assert accept(Operation.SET_SCORE, parameter_value="-10").parameter_value == -10
    assert accept(Operation.SET_SCORE, parameter_value="0").parameter_value == 0


@pytest.mark.parametrize("operation", [Operation.INCREASE_SCORE, Operation.DECREASE_SCORE])
@pytest.mark.parametrize("text", ["0", "-1"])
def test_job_19_job_20_steps_are_positive(operation: Operation, text: str) -> None:
    assert accept(operation, parameter_value=text).startswith(f"{operation.label} needs a positive number")


@pytest.mark.parametrize("operation", SCORES)
@pytest.mark.parametrize("name", ["", "Lead;Spain", "Lead,Spain"])
def test_a_score_job_is_about_one_score(operation: Operation, name: str) -> None:
    assert "needs the name of one score in Parameter Name" in accept(operation, parameter_name=name)


def test_aud_04_add_to_audience_works_without_a_person() -> None:
    assert accept(Operation.ADD_TO_AUDIENCE, person=None).parameter_name == "Buyers"


def test_aud_07_add_to_audience_still_takes_a_marketing_list() -> None:
    assert accept(Operation.ADD_TO_AUDIENCE, parameter_name="", marketing_list=LIST).marketing_list == LIST


@pytest.mark.parametrize("operation", [Operation.ADD_TO_AUDIENCE, Operation.REMOVE_FROM_AUDIENCE])
@pytest.mark.parametrize(("name", "told"), [(" ", "list in Parameter Name"), ("x" * 256, "at most 255 characters")])
def test_an_audience_job_needs_a_list_name_that_spotler_takes(operation: Operation, name: str, told: str) -> None:
    assert told in accept(operation, parameter_name=name)


def test_sync_list_needs_a_marketing_list() -> None:
    assert accept(Operation.SYNC_LIST, marketing_list=None) == "Sync List needs a Marketing List: fill one in."


def test_c_37_a_start_takes_a_typed_trigger_code_instead_of_the_lookup() -> None:
    assert accept(Operation.START_AUTOMATION, automation=None, parameter_name=" TrgCart ").parameter_name == "TrgCart"


def test_job_29_a_start_without_a_person_is_refused_for_spotler_starts_it_for_one_contact() -> None:
    told = accept(Operation.START_AUTOMATION, person=None)
    assert told == "Start Automation needs a Customer (account or contact) or a Lead: fill one in."


def test_a_start_needs_an_automation_or_a_code() -> None:
    told = accept(Operation.START_AUTOMATION, automation=None)
    assert told == "Start Automation needs an Automation, or its trigger code in Parameter Name."


def test_unreadable_fields_of_a_start_are_reported_with_their_place() -> None:
    told = accept(Operation.START_AUTOMATION, automation_fields="a=1\nb")
    assert told == (
        "Start Automation cannot read Automation Fields: line 2, column 1: expected name=value, and found no equals "
        "sign. A value cannot contain ; or Enter."
    )


def test_aut_23_a_stop_needs_only_run_ids_and_takes_several() -> None:
    told = accept(Operation.STOP_AUTOMATION, person=None, automation=None, automation_contact_id=" r1, r2,,r1 ")
    assert told.automation_contact_id == ("r1", "r2")


@pytest.mark.parametrize("changes", [{"person": None}, {"automation": None}])
def test_job_09_a_stop_without_run_ids_needs_person_and_automation(changes: dict[str, Any]) -> None:
    assert accept(Operation.STOP_AUTOMATION, **changes).startswith("Stop Automation needs AutomationContactId, or a")


@pytest.mark.parametrize("operation", [Operation.SET_CONTACT_FIELD, Operation.CLEAR_CONTACT_FIELD])
def test_a_field_job_needs_the_name_of_a_field(operation: Operation) -> None:
    assert "needs the name of a Spotler field" in accept(operation, parameter_name=" ")


def test_fld_02_a_field_is_set_to_something() -> None:
    told = accept(Operation.SET_CONTACT_FIELD, parameter_value=" ")
    assert told == ("Set Contact Field needs a value in Parameter Value; to empty a field, choose Clear Contact Field.")


def test_fld_11_a_field_is_not_emptied_by_somebody_who_gives_a_value() -> None:
    told = accept(Operation.CLEAR_CONTACT_FIELD, parameter_value="chess")
    assert told == (
        "Clear Contact Field empties a field and takes no value: to write one, choose Set Contact Field. "
        "It does not read Parameter Value: what stands there belongs to another operation."
    )


@pytest.mark.parametrize(
    ("operation", "filled", "told"),
    [
        (Operation.SYNC_LIST, {"marketing_list": None, "parameter_name": "Buyers"}, "Parameter Name"),
        (Operation.ADD_TAG, {"parameter_name": "", "automation": WELCOME}, "Automation"),
        (Operation.SYNC_CONTACT, {"person": None, "marketing_list": LIST}, "Marketing List"),
        (
            Operation.SET_SCORE,
            {"parameter_value": "", "automation_fields": "Lead=5", "automation_contact_id": "r1"},
            "Automation Fields, AutomationContactId",
        ),
    ],
)
def test_refusal_names_filled_columns_of_another_operation(
    operation: Operation, filled: dict[str, Any], told: str
) -> None:
    assert accept(operation, **filled).endswith(
        f" It does not read {told}: what stands there belongs to another operation."
    )


def test_columns_of_other_operations_do_not_matter() -> None:
    assert not isinstance(
        accept(Operation.SYNC_CONTACT, parameter_name="x", automation_fields="{", marketing_list=LIST), str
    )
