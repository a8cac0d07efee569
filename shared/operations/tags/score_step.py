"""What Increase Score and Decrease Score have in common: a score moves by a positive number, counted once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from shared.domain.records.jobs import ScoreChange
from shared.operations.model.operation import HarmfulOperation, JobOutcome, Succeeded, Task
from shared.operations.model.parameters import Parameters, PositiveNumber, ScoreName, Someone
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted
from shared.operations.running.each import give_each_once


class ScoreStepParameters(Parameters):
    """Whose score, and by how much."""

    person: Someone
    parameter_name: ScoreName
    parameter_value: PositiveNumber


class ScoreStep(HarmfulOperation[ScoreStepParameters]):
    """A tag that does not exist is created with score 0 first."""

    parameters = ScoreStepParameters
    change: ClassVar[ScoreChange]
    verb: ClassVar[str]

    async def run(self, tasks: Sequence[Task[ScoreStepParameters]], services: JobServices) -> Sequence[JobOutcome]:
        """Call once per job."""

        async def step(task: Task[ScoreStepParameters], contact: str) -> Succeeded:
            parameters = task.parameters
            await services.tagging.change_score(
                contact, parameters.parameter_name, self.change, parameters.parameter_value
            )
            return self.describe(task)

        return await give_each_once(tasks, services, step)

    def describe(self, task: Task[ScoreStepParameters]) -> Succeeded:
        """Say by how much which score moved."""
        name, value = task.parameters.parameter_name, task.parameters.parameter_value
        text = f"Score {quoted([name])} {self.verb} by {value} in Spotler."
        return Succeeded(text, post=text)
