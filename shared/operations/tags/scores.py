"""Set Score, Increase Score (+) and Decrease Score (-) (JOB-18..JOB-20, TAG-07..TAG-09, C-21).

Set Score gives a score a value, which may be negative. Its call may be repeated while its effect is unknown. After that
it is not repeated: an increase in between would be lost. The other two change a score by a positive number, once per
job.
"""

from collections.abc import Sequence
from typing import ClassVar

from shared.domain.records.jobs import Operation, ScoreChange
from shared.operations.model.operation import HarmfulOperation, JobOutcomes, JournaledOperation, Succeeded, Task
from shared.operations.model.parameters import Number, Parameters, PositiveNumber, ScoreName, Someone
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted
from shared.operations.running.calls_per_job import call_for_eligible_once, call_for_eligible_until_known


class ScoreStepParameters(Parameters):
    """The person, the score, and the number."""

    person: Someone
    parameter_name: ScoreName
    parameter_value: PositiveNumber


class ScoreStep(HarmfulOperation[ScoreStepParameters]):
    """Creates a missing tag with score 0 first."""

    parameters = ScoreStepParameters
    change: ClassVar[ScoreChange]
    verb: ClassVar[str]

    async def run(self, tasks: Sequence[Task[ScoreStepParameters]], services: JobServices) -> JobOutcomes:
        """Call once per job."""

        async def step(task: Task[ScoreStepParameters], contact: str) -> Succeeded:
            parameters = task.parameters
            await services.tagging.change_score(
                contact, parameters.parameter_name, self.change, parameters.parameter_value
            )
            return self.describe(task)

        return await call_for_eligible_once(tasks, services, step)

    def describe(self, task: Task[ScoreStepParameters]) -> Succeeded:
        """Report the score and the number."""
        name, value = task.parameters.parameter_name, task.parameters.parameter_value
        text = f"Score {quoted([name])} {self.verb} by {value} in Spotler."
        return Succeeded(text, post=text)


class IncreaseScore(ScoreStep):
    """Adds to the score."""

    operation = Operation.INCREASE_SCORE
    change = ScoreChange.INCREASE
    verb = "raised"


class DecreaseScore(ScoreStep):
    """Subtracts from the score, also below zero."""

    operation = Operation.DECREASE_SCORE
    change = ScoreChange.DECREASE
    verb = "lowered"


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
