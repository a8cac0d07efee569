"""Orders jobs that arrive together: many run at once, those of one person in the order of their creation."""

from collections.abc import Sequence
from typing import Any, TypeVar

from shared.domain.records.jobs import Operation
from shared.domain.records.records import RecordKey
from shared.operations.model.operation import Task

TaskT = TypeVar("TaskT", bound=Task[Any])


def ordered_batches(tasks: Sequence[TaskT]) -> list[list[TaskT]]:
    """Split jobs into batches of one operation each.

    Jobs of one person with different operations are in different batches; those with the same operation stay together,
    in order. Jobs without a person are in the first batch of their operation.
    """
    levels: dict[tuple[int, Operation | None], list[TaskT]] = {}
    latest: dict[RecordKey, tuple[int, Operation | None]] = {}
    for task in sorted(tasks, key=lambda task: (task.job.created_on, task.job.id)):
        person, operation = task.job.person, task.job.operation
        level = 0
        if person is not None:
            before, last = latest.get(person, (0, operation))
            level = before if last is operation else before + 1
            latest[person] = (level, operation)
        levels.setdefault((level, operation), []).append(task)
    return [levels[place] for place in sorted(levels, key=lambda place: (place[0], place[1] or 0))]
