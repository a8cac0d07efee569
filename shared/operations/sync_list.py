"""Sync List (JOB-07): puts the members of a marketing list, static or dynamic, into an audience of Spotler.

The audience is known by the id of the list, whatever the list is called (C-43).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shared.core.jobs import Operation
from shared.errors import ConnectorError
from shared.operations.audience import audience_of, ensure, fill, refusal
from shared.operations.contacts import contacts_to_give
from shared.operations.operation import Failed, JobOperation, JobOutcome, Later, Succeeded, Task, invalid
from shared.operations.parameters import MarketingListId, Parameters
from shared.operations.services import JobServices
from shared.operations.wording import quoted
from shared.ports import MarketingList, QueueName

_PAGE = 500
"""Members at a time: five Spotler calls for those who are new, well inside one claim."""


class SyncListParameters(Parameters):
    """Which list."""

    marketing_list: MarketingListId


class SyncList(JobOperation[SyncListParameters]):
    """Members whom Spotler does not know are synchronised first; who may not be there is counted and left out."""

    operation = Operation.SYNC_LIST
    lane = QueueName.BULK
    parameters = SyncListParameters

    async def run(self, tasks: Sequence[Task[SyncListParameters]], services: JobServices) -> Sequence[JobOutcome]:
        """Go through the lists one by one; several jobs for one list are one pass."""
        wanted = dict.fromkeys(task.parameters.marketing_list for task in tasks)
        ends: dict[object, JobOutcome] = {}
        for identifier in wanted:
            try:
                marketing_list = await services.marketing_lists.read_list(identifier)
                ends[identifier] = (
                    await _sync(marketing_list, services)
                    if marketing_list
                    else invalid("The Marketing List is gone, or lists no people.")
                )
            except ConnectorError as error:
                ends[identifier] = refusal(error)
        return [ends[task.parameters.marketing_list] for task in tasks]


async def _sync(marketing_list: MarketingList, services: JobServices) -> JobOutcome:
    audience = audience_of(marketing_list)
    await ensure(audience, services.audiences)
    left_out: Counter[str] = Counter()
    members, after, late = 0, None, None
    while True:
        page = await services.marketing_lists.members(marketing_list, after=after, limit=_PAGE)
        contacts = await contacts_to_give(page.keys, services, lane=QueueName.BULK)
        for contact in (await fill(audience, contacts, services, lane=QueueName.BULK)).values():
            match contact:
                case str():
                    members += 1
                case Failed(code):
                    left_out[code] += 1
                case Later() as later:
                    late = later
        if (after := page.after) is None:
            break
    if late is not None:
        return late
    text = f"{members} members are in the list {quoted([audience.name])} in Spotler."
    if left_out:
        reasons = ", ".join(f"{count} {code}" for code, count in left_out.most_common())
        text += f" {left_out.total()} were left out: {reasons}."
    return Succeeded(text)
