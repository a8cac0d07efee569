"""Add To Audience (JOB-10, AUD-03..AUD-05, AUD-07): adds a person to a list in Spotler, or only creates the list."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.domain.features.lists import ListIdentity, identity_of
from shared.domain.records.jobs import Operation
from shared.domain.records.records import RecordKey
from shared.domain.wording.refused_acts import ListRefusal
from shared.errors import ConnectorError
from shared.operations.audiences.audience import CONTACT_NOT_FOUND, audience_named, ensure, fill, refusal
from shared.operations.contacts.person_contacts import Contact, eligible_contacts, failure
from shared.operations.model.operation import (
    Failed,
    JobOperation,
    JobOutcome,
    JobOutcomes,
    Later,
    Succeeded,
    Task,
    Unknown,
    invalid,
)
from shared.operations.model.parameters import Anyone, AudienceName, Parameters, broken
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted


class AddToAudienceParameters(Parameters):
    """The list, and the person if there is one."""

    person: Anyone
    parameter_name: AudienceName
    marketing_list: Annotated[UUID | None, Field(description="or a Marketing List (obsolete)")]

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if not self.parameter_name and self.marketing_list is None:
            raise broken("needs the name of a list in Parameter Name")
        return self


_Task = Task[AddToAudienceParameters]


class AddToAudience(JobOperation[AddToAudienceParameters]):
    """Creates the list if it does not exist. One call adds thousands of people."""

    operation = Operation.ADD_TO_AUDIENCE
    parameters = AddToAudienceParameters
    failures = (str(HTTPStatus.FORBIDDEN.value), str(HTTPStatus.EXPECTATION_FAILED.value))

    async def run(self, tasks: Sequence[_Task], services: JobServices) -> JobOutcomes:
        """Find the people of all jobs, then fill one list after the other."""
        contacts = await eligible_contacts({person for task in tasks if (person := task.parameters.person)}, services)
        of_audience: defaultdict[ListIdentity, list[_Task]] = defaultdict(list)
        ends: JobOutcomes = {}
        for task in tasks:
            match await _audience(task, services):
                case ListIdentity() as audience:
                    of_audience[audience].append(task)
                case Failed() | Later() as end:
                    ends[task.job.id] = end
        for audience, of_list in of_audience.items():
            ends |= await _add(audience, of_list, contacts, services)
        return ends


async def _audience(task: _Task, services: JobServices) -> ListIdentity | Failed | Unknown | Later:
    name, identifier = task.parameters.parameter_name, task.parameters.marketing_list
    if name or identifier is None:
        return audience_named(name)
    try:
        marketing_list = await services.marketing_lists.read_list(identifier)
    except ConnectorError as error:
        return failure(error)
    if marketing_list is None:
        return invalid(ListRefusal.GONE())
    return identity_of(marketing_list.id, marketing_list.name)


async def _add(
    audience: ListIdentity, tasks: Sequence[_Task], contacts: Mapping[RecordKey, Contact], services: JobServices
) -> JobOutcomes:
    wanted = {person: contacts[person] for task in tasks if (person := task.parameters.person)}
    try:
        if (synced := await _into_synced_list(tasks, wanted, services)) is not None:
            return {task.job.id: _end(audience, task.parameters.person, synced) for task in tasks}
        await ensure(audience, services.audiences)
        ends = await fill(audience, wanted, services)
    except ConnectorError as error:
        return {task.job.id: refusal(error) for task in tasks}
    return {task.job.id: _end(audience, task.parameters.person, ends) for task in tasks}


async def _into_synced_list(
    tasks: Sequence[_Task], wanted: Mapping[RecordKey, Contact], services: JobServices
) -> Mapping[RecordKey, Contact] | None:
    """Add people to a synchronised marketing list, whose state must include them (AUD-07); None for other lists."""
    identifier = tasks[0].parameters.marketing_list
    if tasks[0].parameters.parameter_name or identifier is None:
        return None
    contacts = {contact for contact in wanted.values() if isinstance(contact, str)}
    missing = await services.lists.add_single(identifier, contacts)
    return None if missing is None else {one: CONTACT_NOT_FOUND if it in missing else it for one, it in wanted.items()}


def _end(audience: ListIdentity, person: RecordKey | None, ends: Mapping[RecordKey, Contact]) -> JobOutcome:
    if person is None:
        return Succeeded(f"The list {quoted([audience.name])} exists in Spotler.")
    match ends[person]:
        case str():
            return Succeeded(f"Added to the list {quoted([audience.name])} in Spotler.")
        case end:
            return end
