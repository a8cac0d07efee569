"""Set Score (JOB-18, TAG-07): gives a tag of a person a score, which may be negative.

It may be repeated while nobody knows whether it was done. Once that is known it is not: an increase that came in
between would be lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.records.jobs import Operation, ScoreChange
from shared.operations.model.operation import JobOutcome, JournaledOperation, Succeeded, Task
from shared.operations.model.parameters import Number, Parameters, ScoreName, Someone
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted
from shared.operations.running.each import give_each_until_known


class SetScoreParameters(Parameters):
    """Whose score, and what it becomes."""

    person: Someone
    parameter_name: ScoreName
    parameter_value: Number


class SetScore(JournaledOperation[SetScoreParameters]):
    """A tag that does not exist is created."""

    operation = Operation.SET_SCORE
    parameters = SetScoreParameters

    async def run(self, tasks: Sequence[Task[SetScoreParameters]], services: JobServices) -> Sequence[JobOutcome]:
        """Call once per person."""

        async def assign(task: Task[SetScoreParameters], contact: str) -> Succeeded:
            name, value = task.parameters.parameter_name, task.parameters.parameter_value
            await services.tagging.change_score(contact, name, ScoreChange.SET, value)
            return self.describe(task)

        return await give_each_until_known(tasks, services, assign)

    def describe(self, task: Task[SetScoreParameters]) -> Succeeded:
        """Say what the score is."""
        name, value = task.parameters.parameter_name, task.parameters.parameter_value
        text = f"Score {quoted([name])} set to {value} in Spotler."
        return Succeeded(text, post=text)
