"""Set Score (JOB-18, TAG-07): gives a tag of a person a score, which may be negative."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.jobs import Operation, ScoreChange
from shared.operations.each import give_each
from shared.operations.operation import JobOperation, JobOutcome, Succeeded, Task
from shared.operations.parameters import Number, Parameters, ScoreName, Someone
from shared.operations.services import JobServices
from shared.operations.wording import quoted


class SetScoreParameters(Parameters):
    """Whose score, and what it becomes."""

    person: Someone
    parameter_name: ScoreName
    parameter_value: Number


class SetScore(JobOperation[SetScoreParameters]):
    """A tag that does not exist is created."""

    operation = Operation.SET_SCORE
    parameters = SetScoreParameters

    async def run(self, tasks: Sequence[Task[SetScoreParameters]], services: JobServices) -> Sequence[JobOutcome]:
        """Call once per person."""

        async def assign(task: Task[SetScoreParameters], contact: str) -> Succeeded:
            name, value = task.parameters.parameter_name, task.parameters.parameter_value
            await services.tagging.change_score(contact, name, ScoreChange.SET, value)
            text = f"Score {quoted([name])} set to {value} in Spotler."
            return Succeeded(text, post=text)

        return await give_each(tasks, services, assign)
