"""Makes one call of the platform per job, for many jobs at once.

Jobs of one person run one after the other, in their order. Jobs of different people run at the same time.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.records.records import RecordKey
from shared.domain.wording.causes.work_causes import WorkCause
from shared.engine.bindings.claim_deadline import has_time
from shared.errors import ConflictError, ConnectorError, NotFoundError, ThrottledError, whereabouts
from shared.operations.contacts.person_contacts import Contact, eligible_contacts, failure, synchronise_again
from shared.operations.model.operation import Failed, JobOutcome, JobOutcomes, Later, Succeeded, Task, Unknown
from shared.operations.model.services import JobServices
from shared.operations.running.journal import EndedJob

log = logging.getLogger(__name__)

TaskT = TypeVar("TaskT", bound=Task[Any])
Call = Callable[[TaskT, str], Awaitable[Succeeded | Failed]]
"""Carries out one task for the contact with this external id."""

SIDE_BY_SIDE = 16
"""The most people whose jobs run at the same time, and so the most requests at a time."""

NO_TIME = Later(ThrottledError(WorkCause.NO_TIME(), retry_after=timedelta(seconds=2)))
"""The result of a job that the batch had no time for: a retry."""

_DEFECT = Failed(Reason.DEFECT, TEXTS[Reason.DEFECT])


def person_of(task: Task[Any]) -> RecordKey:
    """Return the person of a task whose operation requires one."""
    assert task.job.person is not None, "the parameters were checked"
    return task.job.person


async def call_for_eligible(tasks: Sequence[TaskT], services: JobServices, call: Call[TaskT]) -> JobOutcomes:
    """Call for records that meet the conditions of synchronisation; the call may be repeated."""
    contacts = await eligible_contacts({person_of(task) for task in tasks}, services)
    return await _call_twice(tasks, contacts, services, call, _DEFECT)


async def call_for_eligible_until_known(
    tasks: Sequence[TaskT], services: JobServices, call: Call[TaskT]
) -> JobOutcomes:
    """Call for records that meet the conditions; the call may be repeated as long as its effect is unknown."""
    outcomes = await call_for_eligible(tasks, services, call)
    await _record({job: end for job, end in outcomes.items() if isinstance(end, Succeeded)}, services)
    return outcomes


async def call_for_eligible_once(tasks: Sequence[TaskT], services: JobServices, call: Call[TaskT]) -> JobOutcomes:
    """Call for records that meet the conditions; the call must not be repeated."""
    contacts = await eligible_contacts({person_of(task) for task in tasks}, services)
    ready = [task.job.id for task in tasks if isinstance(contacts[person_of(task)], str)]
    ours = await services.journal.begin(ready)
    outcomes = await _call_twice([task for task in tasks if task.job.id in ours], contacts, services, call, Unknown())
    await _record(outcomes, services)
    for task in tasks:
        contact = contacts[person_of(task)]
        taken = Later(ConflictError(WorkCause.JOB_TAKEN()))
        outcomes.setdefault(task.job.id, taken if isinstance(contact, str) else contact)
    return outcomes


async def call_for_known(
    tasks: Sequence[TaskT], services: JobServices, call: Call[TaskT], *, absent: Succeeded
) -> JobOutcomes:
    """Call for records that have a contact; the result of all others is `absent`."""
    contacts = await services.contacts.known({person_of(task) for task in tasks})
    results = await _all([task for task in tasks if person_of(task) in contacts], contacts, call, _DEFECT)
    called = {job: absent if isinstance(end, NotFoundError) else end for job, end in results.items()}
    return {task.job.id: absent for task in tasks} | called


async def _call_twice(
    tasks: Sequence[TaskT],
    contacts: Mapping[RecordKey, Contact],
    services: JobServices,
    call: Call[TaskT],
    on_defect: Failed | Unknown,
) -> JobOutcomes:
    """Call. If the platform does not have a contact of the ledger, synchronise the record and call once more."""
    results = await _all(tasks, contacts, call, on_defect)
    if unknown := [task for task in tasks if isinstance(results[task.job.id], NotFoundError)]:
        try:
            found = await synchronise_again({person_of(task) for task in unknown}, services)
        except ConnectorError as error:
            results |= {task.job.id: Later(error) for task in unknown}
        else:
            results |= await _all(unknown, found, call, on_defect)
    return {job: failure(end) if isinstance(end, NotFoundError) else end for job, end in results.items()}


async def _all(
    tasks: Sequence[TaskT], contacts: Mapping[RecordKey, Contact], call: Call[TaskT], on_defect: Failed | Unknown
) -> dict[UUID, JobOutcome | NotFoundError]:
    """Call for all tasks; NotFoundError stands for a contact that the platform does not have.

    A batch must end within the locks of its messages, however slow the platform is. Tasks that there is no time for are
    retried; nothing was sent for them.
    """
    results: dict[UUID, JobOutcome | NotFoundError] = {}
    of_person: defaultdict[RecordKey, list[TaskT]] = defaultdict(list)
    for task in tasks:
        of_person[person_of(task)].append(task)

    slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def in_order(person: RecordKey, own: Sequence[TaskT]) -> None:
        async with slots:
            for task in own:  # the first task always runs, or a slow service would stop all progress
                is_late = task is not tasks[0] and not has_time()
                results[task.job.id] = NO_TIME if is_late else await _one(task, contacts[person], call, on_defect)

    await asyncio.gather(*(in_order(person, own) for person, own in of_person.items()))
    return results


async def _one(
    task: TaskT, contact: Contact, call: Call[TaskT], on_defect: Failed | Unknown
) -> JobOutcome | NotFoundError:
    if not isinstance(contact, str):
        return contact
    try:
        return await call(task, contact)
    except NotFoundError as error:
        return error
    except ConnectorError as error:
        return failure(error)
    except Exception as error:  # noqa: BLE001  # a defect of the connector: the other jobs go on
        log.error(  # noqa: TRY400  # not exception(), whose text may quote a person
            "job %s broke the connector: %s", task.job.id, whereabouts(error)
        )
        return on_defect


async def _record(outcomes: JobOutcomes, services: JobServices) -> None:
    done = {job: EndedJob(end.runs) for job, end in outcomes.items() if isinstance(end, Succeeded)}
    unknown = {job for job, end in outcomes.items() if isinstance(end, Unknown)}
    try:
        await services.journal.commit(done, [job for job in outcomes if job not in done and job not in unknown])
    except ConnectorError as error:  # the report that follows has the results, too
        log.warning("the journal of %d jobs is incomplete: %s", len(outcomes), error)
