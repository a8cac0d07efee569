"""Remove Tag (JOB-17, TAG-04, TAG-05): removes tags, with their scores, from a person."""

from collections.abc import Sequence

from shared.domain.records.jobs import Operation
from shared.operations.model.operation import JobOperation, JobOutcomes, Succeeded, Task
from shared.operations.model.parameters import Parameters, Someone, Tags
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted
from shared.operations.running.calls_per_job import call_for_known


class RemoveTagParameters(Parameters):
    """The tags and the person."""

    person: Someone
    parameter_name: Tags


class RemoveTag(JobOperation[RemoveTagParameters]):
    """A tag that the person does not have is no error."""

    operation = Operation.REMOVE_TAG
    parameters = RemoveTagParameters

    async def run(self, tasks: Sequence[Task[RemoveTagParameters]], services: JobServices) -> JobOutcomes:
        """Call once per person and tag."""

        async def remove(task: Task[RemoveTagParameters], contact: str) -> Succeeded:
            tags = task.parameters.parameter_name
            await services.tagging.remove_tags(contact, tags)
            return Succeeded(f"Removed in Spotler: {quoted(tags)}.")

        absent = Succeeded("Nothing to remove: the person is not in Spotler.")
        return await call_for_known(tasks, services, remove, absent=absent)
