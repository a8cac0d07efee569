"""Operations that the engine carries out on one person record, with an intent.

Sync Contact (JOB-13) synchronises the record with its contact, as every save does. Purge Contact (JOB-14, PURGE-03)
clears the Spotler contact's data; it is deprecated: use Anonymize Contact. Anonymize Contact (JOB-15, ANON-08..ANON-10)
erases the Spotler contact; the record itself stays as it is.
"""

from collections.abc import Sequence
from typing import ClassVar

from shared.domain.records.access_rights import AccessRight
from shared.domain.records.jobs import JobResult, Operation
from shared.domain.records.outcomes import Reason
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
        await services.people.handle(references, lane=QueueName.LIVE, posts=self.requests(tasks))
        return {task.job.id: HandedOver() for task in tasks}


class SyncContact(PersonOperation):
    """Synchronises the record."""

    operation = Operation.SYNC_CONTACT
    intent = Intent.SYNC


class PurgeContact(PersonOperation):
    """Clears the data; the next synchronisation fills the contact again."""

    operation = Operation.PURGE_CONTACT
    intent = Intent.PURGE
    needs = AccessRight.WRITE
    failures = (JobResult.NOT_ALLOWED, Reason.MASS_ERASURE)


class AnonymizeContact(PersonOperation):
    """The result code is 410 if the contact was erased now, 404 if it did not exist."""

    operation = Operation.ANONYMIZE_CONTACT
    intent = Intent.ANONYMIZE
    needs = AccessRight.DELETE
    successes = ("410", "404")
    failures = (JobResult.NOT_ALLOWED, Reason.MASS_ERASURE)
