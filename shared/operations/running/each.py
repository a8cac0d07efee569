"""One call of Spotler per job, for many jobs at once: the shape that most operations have.

Jobs of one person run one after the other, in the order in which they came; those of different people side by side.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.records.records import RecordKey
from shared.engine.bindings.claim_deadline import has_time
from shared.errors import ConflictError, ConnectorError, NotFoundError, ThrottledError, whereabouts
from shared.operations.contacts.person_contacts import (
    Contact,
    contacts_to_give,
    contacts_to_take_from,
    failure,
    find_again,
)
from shared.operations.model.operation import Failed, JobOutcome, Later, Succeeded, Task, Unknown
from shared.operations.model.services import JobServices
from shared.operations.running.journal import EndedJob

log = logging.getLogger(__name__)

TaskT = TypeVar("TaskT", bound=Task[Any])
Call = Callable[[TaskT, str], Awaitable[Succeeded | Failed]]
"""Carries out one task for the contact with this external id."""

SIDE_BY_SIDE = 16
"""People whose jobs are begun at the same time: as many requests as Spotler gets at most."""

NO_TIME = Later(ThrottledError("there was no time left to begin", retry_after=timedelta(seconds=2)))
"""How a job ends for now that a batch had no time for."""

_DEFECT = Failed(Reason.DEFECT, TEXTS[Reason.DEFECT])


def person_of(task: Task[Any]) -> RecordKey:
    """Return the person of a task whose operation requires one."""
    assert task.job.person is not None, "the parameters were checked"
    return task.job.person


async def give_each(tasks: Sequence[TaskT], services: JobServices, call: Call[TaskT]) -> list[JobOutcome]:
    """Call for people who are to get something; a call that may be repeated."""
    contacts = await contacts_to_give({person_of(task) for task in tasks}, services)
    return await _with_second_chance(tasks, contacts, services, call, _DEFECT)


async def give_each_until_known(tasks: Sequence[TaskT], services: JobServices, call: Call[TaskT]) -> list[JobOutcome]:
    """Call for people who are to get something; a call that may be repeated as long as nobody knows its effect."""
    outcomes = await give_each(tasks, services, call)
    ends = zip(tasks, outcomes, strict=True)
    await _write_down({task.job.id: end for task, end in ends if isinstance(end, Succeeded)}, services)
    return outcomes


async def give_each_once(tasks: Sequence[TaskT], services: JobServices, call: Call[TaskT]) -> list[JobOutcome]:
    """Call for people who are to get something; a call that must not be repeated."""
    contacts = await contacts_to_give({person_of(task) for task in tasks}, services)
    ready = [task.job.id for task in tasks if isinstance(contacts[person_of(task)], str)]
    ours = await services.journal.begin(ready)
    going = [task for task in tasks if task.job.id in ours]
    outcomes = dict(
        zip(
            (task.job.id for task in going),
            await _with_second_chance(going, contacts, services, call, Unknown()),
            strict=True,
        )
    )
    await _write_down(outcomes, services)
    for task in tasks:
        contact = contacts[person_of(task)]
        taken = Later(ConflictError("another worker runs the job"))
        outcomes.setdefault(task.job.id, taken if isinstance(contact, str) else contact)
    return [outcomes[task.job.id] for task in tasks]


async def take_each(
    tasks: Sequence[TaskT], services: JobServices, call: Call[TaskT], *, absent: Succeeded
) -> list[JobOutcome]:
    """Call for people who are to lose something; who is not in Spotler has it no longer."""
    contacts = await contacts_to_take_from({person_of(task) for task in tasks}, services)
    present = [task for task in tasks if person_of(task) in contacts]
    results = await _all(present, contacts, call, _DEFECT)
    outcomes = {task.job.id: result for task, result in zip(present, results, strict=True)}
    ends = (outcomes.get(task.job.id, absent) for task in tasks)
    return [absent if isinstance(end, NotFoundError) else end for end in ends]


async def _with_second_chance(
    tasks: Sequence[TaskT],
    contacts: Mapping[RecordKey, Contact],
    services: JobServices,
    call: Call[TaskT],
    on_defect: Failed | Unknown,
) -> list[JobOutcome]:
    """Call; whoever Spotler does not know, although the ledger says so, is synchronised again and gets another call."""
    outcomes = await _all(tasks, contacts, call, on_defect)
    strangers = [task for task, outcome in zip(tasks, outcomes, strict=True) if isinstance(outcome, NotFoundError)]
    again: dict[Any, JobOutcome | NotFoundError] = {}
    if strangers:
        try:
            found = await find_again({person_of(task) for task in strangers}, services)
        except ConnectorError as error:
            return [Later(error) if isinstance(outcome, NotFoundError) else outcome for outcome in outcomes]
        results = await _all(strangers, found, call, on_defect)
        again = {task.job.id: result for task, result in zip(strangers, results, strict=True)}
    ends = [again.get(task.job.id, outcome) for task, outcome in zip(tasks, outcomes, strict=True)]
    return [failure(end) if isinstance(end, NotFoundError) else end for end in ends]


async def _all(
    tasks: Sequence[TaskT], contacts: Mapping[RecordKey, Contact], call: Call[TaskT], on_defect: Failed | Unknown
) -> list[JobOutcome | NotFoundError]:
    """Call for all; NotFoundError stands for a contact that Spotler does not know.

    A batch must end within the locks of its messages, however slow Spotler is: what there is no time for is left for
    the next call, and nothing was sent of it.
    """
    outcomes: dict[int, JobOutcome | NotFoundError] = {}
    of_person: defaultdict[RecordKey, list[int]] = defaultdict(list)
    for index, task in enumerate(tasks):
        of_person[person_of(task)].append(index)

    slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one_after_the_other(indices: Sequence[int]) -> None:
        async with slots:
            for index in indices:
                contact = contacts[person_of(tasks[index])]
                late = index > 0 and not has_time()  # one always goes, or a slow service would stop the work altogether
                outcomes[index] = NO_TIME if late else await _one(tasks[index], contact, call, on_defect)

    await asyncio.gather(*(one_after_the_other(indices) for indices in of_person.values()))
    return [outcomes[index] for index in range(len(tasks))]


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
    except Exception as error:  # noqa: BLE001  # a defect of ours: the neighbours go on
        log.error(  # noqa: TRY400  # not exception(), whose text may quote a person
            "job %s broke the connector: %s", task.job.id, whereabouts(error)
        )
        return on_defect


async def _write_down(outcomes: Mapping[Any, JobOutcome], services: JobServices) -> None:
    done = {job: EndedJob(end.runs) for job, end in outcomes.items() if isinstance(end, Succeeded)}
    unknown = {job for job, end in outcomes.items() if isinstance(end, Unknown)}
    try:
        await services.journal.commit(done, [job for job in outcomes if job not in done and job not in unknown])
    except ConnectorError as error:  # the report that follows tells it as well; only if that is lost, too, we forget
        log.warning("the journal of %d jobs is incomplete: %s", len(outcomes), error)
