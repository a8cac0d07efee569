"""The common part of Increase Score and Decrease Score: a score changes by a positive number, once per job."""

from collections.abc import Sequence
from typing import ClassVar

from shared.domain.records.jobs import ScoreChange
from shared.operations.model.operation import HarmfulOperation, JobOutcomes, Succeeded, Task
from shared.operations.model.parameters import Parameters, PositiveNumber, ScoreName, Someone
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted
from shared.operations.running.calls_per_job import call_for_eligible_once


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
