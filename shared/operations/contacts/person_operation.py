"""Operations that the engine carries out on one person record, with an intent."""

from collections.abc import Sequence
from typing import ClassVar

from shared.domain.records.records import Intent, Reference, Why
from shared.operations.model.operation import HandedOver, JobOperation, JobOutcomes, Task
from shared.operations.model.parameters import Parameters, Someone
from shared.operations.model.services import JobServices
from shared.ports.queue import QueueName


class PersonParameters(Parameters):
    """A person and nothing else."""

    person: Someone


class PersonOperation(JobOperation[PersonParameters]):
    """Gives the engine a reference to the person; the outcome of the record is the result of the job."""

    intent: ClassVar[Intent]
    parameters = PersonParameters

    async def run(self, tasks: Sequence[Task[PersonParameters]], services: JobServices) -> JobOutcomes:
        """Let the engine handle the records; it reports the results now or after a retry."""
        references = [
            Reference(
                task.parameters.person,
                Why.JOB,
                correlation=task.correlation or str(task.job.id),
                intent=self.intent,
                job=task.job.id,
            )
            for task in tasks
        ]
        await services.people.handle(references, lane=QueueName.LIVE)
        return {task.job.id: HandedOver() for task in tasks}
