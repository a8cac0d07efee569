"""The small grammars of a job's parameters: joined values are read back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.records.jobs import JobRow, JobStatus, Operation
from shared.domain.records.records import PersonTable, RecordKey
from shared.operations.model.operation import JobRefused, Task
from shared.operations.running.operation_table import OPERATIONS

ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))
_NAMES = (
    st.text(st.characters(exclude_characters=",;", exclude_categories=("Cs",)), max_size=12).map(str.strip).filter(bool)
)


def accepted(operation: Operation, **columns: Any) -> Any:
    outcome = OPERATIONS[operation].accept(JobRow(UUID(int=7), JobStatus.QUEUED, operation, ANN, "1", **columns))
    assert isinstance(outcome, Task), outcome
    return outcome.parameters


@given(
    st.lists(_NAMES, min_size=1, max_size=5, unique_by=str.casefold), st.sampled_from([",", ";", " ; ", ",,", ";\n"])
)
def test_tags_that_are_joined_are_read_again(names: list[str], separator: str) -> None:
    assert accepted(Operation.ADD_TAG, parameter_name=separator.join(names)).parameter_name == tuple(names)


@given(st.lists(_NAMES, min_size=1, max_size=5, unique=True))
def test_run_ids_that_are_joined_are_read_again(ids: list[str]) -> None:
    joined = ", ".join(ids)
    assert accepted(Operation.STOP_AUTOMATION, automation_contact_id=joined).automation_contact_id == tuple(ids)


@given(st.integers(-999_999_999, 999_999_999), st.sampled_from(["{}", " {} ", "{:+}"]))
def test_numbers_that_are_written_are_read_again(number: int, form: str) -> None:
    columns = {"parameter_name": "Lead", "parameter_value": form.format(number)}
    assert accepted(Operation.SET_SCORE, **columns).parameter_value == number


@given(st.sampled_from(list(Operation)), st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_any_text_in_any_column_is_accepted_or_refused_with_a_sentence(
    operation: Operation, name: str, value: str, fields: str
) -> None:
    job = JobRow(
        UUID(int=7),
        JobStatus.QUEUED,
        operation,
        ANN,
        "1",
        parameter_name=name,
        parameter_value=value,
        automation_fields=fields,
        automation_contact_id=value,
    )
    match OPERATIONS[operation].accept(job):
        case JobRefused(text):
            assert text.startswith(operation.label)
            assert text.endswith(".")
        case Task(job=accepted_job):
            assert accepted_job is job
