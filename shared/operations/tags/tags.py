"""Add Tag and Remove Tag.

Add Tag (JOB-16, TAG-01..TAG-03) gives a person tags, or, without a person, creates tags in Spotler. Remove Tag (JOB-17,
TAG-04, TAG-05) removes tags, with their scores, from a person.
"""

import asyncio
from collections.abc import Sequence

from shared.domain.records.jobs import Operation
from shared.errors import ConnectorError
from shared.operations.contacts.person_contacts import failure
from shared.operations.model.operation import JobOperation, JobOutcome, JobOutcomes, Succeeded, Task
from shared.operations.model.parameters import Anyone, Parameters, Someone, Tags
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted
from shared.operations.running.calls_per_job import call_for_eligible, call_for_known


class AddTagParameters(Parameters):
    """The tags, and the person if there is one."""

    person: Anyone
    parameter_name: Tags


class AddTag(JobOperation[AddTagParameters]):
    """Creates missing tags; tags that the person has already stay as they are."""

    operation = Operation.ADD_TAG
    parameters = AddTagParameters

    async def run(self, tasks: Sequence[Task[AddTagParameters]], services: JobServices) -> JobOutcomes:
        """Call once per person, and once per tag without person."""

        async def add(task: Task[AddTagParameters], contact: str) -> Succeeded:
            tags = task.parameters.parameter_name
            await services.tagging.add_tags(contact, tags)
            text = f"{_noun(tags)} {quoted(tags)} added in Spotler."
            return Succeeded(text, post=text)

        personal = [task for task in tasks if task.parameters.person is not None]
        general = [task for task in tasks if task.parameters.person is None]
        ends = await call_for_eligible(personal, services, add)
        created = await asyncio.gather(*(_create(task, services) for task in general))
        return ends | {task.job.id: end for task, end in zip(general, created, strict=True)}


async def _create(task: Task[AddTagParameters], services: JobServices) -> JobOutcome:
    tags = task.parameters.parameter_name
    try:
        for tag in tags:
            await services.tagging.create_tag(tag)
    except ConnectorError as error:
        return failure(error)
    return Succeeded(f"{_noun(tags)} {quoted(tags)} created in Spotler.")


def _noun(tags: Sequence[str]) -> str:
    return "Tag" if len(tags) == 1 else "Tags"


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
