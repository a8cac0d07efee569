"""Remove From Audience (JOB-21, AUD-06): removes a person from a list in Spotler, which must exist."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from shared.domain.features.lists import ListIdentity
from shared.domain.records.jobs import Operation
from shared.domain.records.records import RecordKey
from shared.errors import ConnectorError, NotFoundError
from shared.operations.audiences.audience import audience_named, refusal
from shared.operations.model.operation import JobOperation, JobOutcome, JobOutcomes, Succeeded, Task, invalid
from shared.operations.model.parameters import GivenAudienceName, Parameters, Someone
from shared.operations.model.services import JobServices
from shared.operations.model.wording import quoted


class RemoveFromAudienceParameters(Parameters):
    """The list and the person."""

    person: Someone
    parameter_name: GivenAudienceName


_Task = Task[RemoveFromAudienceParameters]


class RemoveFromAudience(JobOperation[RemoveFromAudienceParameters]):
    """One call removes thousands of people. A person who is no member is no error."""

    operation = Operation.REMOVE_FROM_AUDIENCE
    parameters = RemoveFromAudienceParameters

    async def run(self, tasks: Sequence[_Task], services: JobServices) -> JobOutcomes:
        """Find the contacts of all jobs, then remove them list by list."""
        contacts = await services.contacts.known({task.parameters.person for task in tasks})
        of_audience: defaultdict[ListIdentity, list[_Task]] = defaultdict(list)
        for task in tasks:
            of_audience[audience_named(task.parameters.parameter_name)].append(task)
        ends: JobOutcomes = {}
        for audience, of_list in of_audience.items():
            end = await _remove(audience, of_list, contacts, services)
            ends |= {task.job.id: end for task in of_list}
        return ends


async def _remove(
    audience: ListIdentity, tasks: Sequence[_Task], contacts: Mapping[RecordKey, str], services: JobServices
) -> JobOutcome:
    members = [contacts[task.parameters.person] for task in tasks if task.parameters.person in contacts]
    name = quoted([audience.name])
    try:
        if not await services.audiences.exists(audience.id):
            return invalid(f"No job has made a list {name}. Check the name; upper and lower case count.")
        await services.audiences.remove(audience.id, list(dict.fromkeys(members)))
    except NotFoundError:
        return Succeeded(f"The list {name} has just been deleted in Spotler.")
    except ConnectorError as error:
        return refusal(error)
    return Succeeded(f"Not (any more) in the list {name} in Spotler.")
