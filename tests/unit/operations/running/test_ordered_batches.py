"""In which order jobs run that arrive together."""

from __future__ import annotations

from uuid import UUID

from shared.domain.records.jobs import JobRow, JobStatus, Operation
from shared.domain.records.records import PersonTable, RecordKey
from shared.operations.model.operation import Task
from shared.operations.model.parameters import NoParameters
from shared.operations.running.runner import ordered_batches

ANN, BOB = (RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (1, 2))
ADD, REMOVE = Operation.ADD_TAG, Operation.REMOVE_TAG


def order(*jobs: tuple[Operation, RecordKey | None]) -> list[tuple[Operation | None, list[int]]]:
    """Number jobs in the order of their creation, and return the batches by these numbers.

    The jobs arrive in reverse order.
    """
    tasks = [
        Task(JobRow(UUID(int=number), JobStatus.QUEUED, operation, who, "1", created_on=f"{number:02}"), NoParameters())
        for number, (operation, who) in enumerate(jobs)
    ]
    return [(batch[0].job.operation, [task.job.id.int for task in batch]) for batch in ordered_batches(tasks[::-1])]


def test_jobs_of_many_people_run_together() -> None:
    assert order((ADD, ANN), (ADD, BOB), (ADD, None)) == [(ADD, [0, 1, 2])]


def test_jobs_of_one_person_with_one_operation_stay_together_in_order() -> None:
    assert order((ADD, ANN), (ADD, ANN)) == [(ADD, [0, 1])]


def test_jobs_of_one_person_with_different_operations_run_one_after_the_other() -> None:
    assert order((REMOVE, ANN), (ADD, ANN), (REMOVE, ANN)) == [(REMOVE, [0]), (ADD, [1]), (REMOVE, [2])]


def test_one_person_does_not_hold_up_another() -> None:
    assert order((REMOVE, ANN), (ADD, ANN), (ADD, BOB)) == [(ADD, [2]), (REMOVE, [0]), (ADD, [1])]


def test_no_jobs_make_no_batches() -> None:
    assert order() == []
