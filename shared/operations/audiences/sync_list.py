"""Sync List (JOB-07, ML-23): makes the list in Spotler equal to a marketing list, static or dynamic, as it is now.

The job only begins the synchronisation. It continues in steps of the bulk lane, and its end is reported to the job
(`shared/lists/`).
"""

from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from shared.domain.records.jobs import JobResult, Operation
from shared.domain.records.outcomes import Reason
from shared.errors import ConnectorError
from shared.lists.list_targets import IN_USE
from shared.lists.start import Begun, Declined
from shared.operations.contacts.person_contacts import failure
from shared.operations.model.operation import Failed, HandedOver, JobOperation, JobOutcome, JobOutcomes, Task
from shared.operations.model.parameters import MarketingListId, Parameters
from shared.operations.model.services import JobServices
from shared.ports.queue import QueueName


class SyncListParameters(Parameters):
    """The list."""

    marketing_list: MarketingListId


class SyncList(JobOperation[SyncListParameters]):
    """Members without a contact are synchronised first; former members are removed."""

    operation = Operation.SYNC_LIST
    lane = QueueName.BULK
    parameters = SyncListParameters
    successes = (JobResult.OK,)
    failures = (
        str(HTTPStatus.FORBIDDEN.value),
        Reason.TABLE_OFF,
        Reason.SYNC_DISABLED,
        Reason.INACTIVE,
        IN_USE,
        Reason.MASS_LIST_REMOVAL,
    )

    async def run(self, tasks: Sequence[Task[SyncListParameters]], services: JobServices) -> JobOutcomes:
        """Begin; several jobs for one list begin one synchronisation."""
        wanted: defaultdict[UUID, list[Task[SyncListParameters]]] = defaultdict(list)
        for task in tasks:
            wanted[task.parameters.marketing_list].append(task)
        ends = {identifier: await _begin(identifier, jobs, services) for identifier, jobs in wanted.items()}
        return {task.job.id: ends[task.parameters.marketing_list] for task in tasks}


async def _begin(identifier: UUID, tasks: Sequence[Task[SyncListParameters]], services: JobServices) -> JobOutcome:
    try:
        match await services.lists.start.begin(identifier, [task.job.id for task in tasks], tasks[-1].correlation):
            case Begun():
                return HandedOver()
            case Declined(code, text):
                return Failed(code, text)
    except ConnectorError as error:
        return failure(error)
