"""Set Score (JOB-18, TAG-07): sets the score of a person's tag, which may be negative.

The call may be repeated while its effect is unknown. After that it is not repeated: an increase in between would be
lost.
"""

from collections.abc import Sequence

from shared.domain.records.jobs import Operation, ScoreChange
from shared.operations.model.operation import JobOutcomes, JournaledOperation, Succeeded, Task
from shared.operations.model.parameters import Number, Parameters, ScoreName, Someone
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted
from shared.operations.running.calls_per_job import call_for_eligible_until_known


class SetScoreParameters(Parameters):
    """The person, the score, and its new value."""

    person: Someone
    parameter_name: ScoreName
    parameter_value: Number


class SetScore(JournaledOperation[SetScoreParameters]):
    """Creates a missing tag."""

    operation = Operation.SET_SCORE
    parameters = SetScoreParameters

    async def run(self, tasks: Sequence[Task[SetScoreParameters]], services: JobServices) -> JobOutcomes:
        """Call once per person."""

        async def assign(task: Task[SetScoreParameters], contact: str) -> Succeeded:
            name, value = task.parameters.parameter_name, task.parameters.parameter_value
            await services.tagging.change_score(contact, name, ScoreChange.SET, value)
            return self.describe(task)

        return await call_for_eligible_until_known(tasks, services, assign)

    def describe(self, task: Task[SetScoreParameters]) -> Succeeded:
        """Report the score and its value."""
        name, value = task.parameters.parameter_name, task.parameters.parameter_value
        text = f"Score {quoted([name])} set to {value} in Spotler."
        return Succeeded(text, post=text)
