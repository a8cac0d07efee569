"""Checks whether the creator of a job may ask for an effect that cannot be undone.

The connector acts with its own rights in both systems. Without this check, every user who may create a job could erase
any contact. The brake counts such jobs as well (decision 20): a flow with a wrong filter erases no more than the limit.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.domain.planning.binding import MassChange
from shared.domain.records.jobs import JobResult
from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.records.records import RecordKey
from shared.operations.model.operation import Failed, JobOperation, Task
from shared.operations.model.services import JobServices
from shared.operations.running.calls_per_job import person_of
from shared.ports.dataverse import Asked

Tasks = Sequence[Task[Any]]


async def admit(operation: JobOperation[Any], tasks: Tasks, services: JobServices) -> tuple[Tasks, dict[UUID, Failed]]:
    """Separate the jobs that may not be run. ConnectorErrors."""
    if operation.needs is None or not tasks:
        return tasks, {}
    refused = await _without_right(operation, tasks, services)
    entitled = [task for task in tasks if task.job.id not in refused]
    refused |= await _beyond_limit(entitled, services)
    return [task for task in entitled if task.job.id not in refused], refused


def rights_to_read(operation: JobOperation[Any], tasks: Tasks) -> frozenset[Asked]:
    """Return whose rights on which records `admit` needs."""
    if operation.needs is None:
        return frozenset()
    return frozenset((user, person_of(task)) for task in tasks if (user := task.job.creator) is not None)


async def still_allowed(operation: JobOperation[Any], tasks: Tasks, services: JobServices) -> frozenset[UUID]:
    """Return the admitted jobs whose creators still have the right. ConnectorErrors."""
    refused = await _without_right(operation, tasks, services)
    return frozenset(task.job.id for task in tasks if task.job.id not in refused)


async def _without_right(operation: JobOperation[Any], tasks: Tasks, services: JobServices) -> dict[UUID, Failed]:
    if (needed := operation.needs) is None:
        return {}
    asked = {task.job.id: (task.job.creator, person_of(task)) for task in tasks}
    rights = await services.access.rights(rights_to_read(operation, tasks))
    lacking = {job: key for job, (user, key) in asked.items() if user is None or needed not in rights[user, key]}
    present = await services.crm.read_people(list(dict.fromkeys(lacking.values()))) if lacking else {}
    text = (
        f"{JobResult.NOT_ALLOWED} {operation.operation.label} needs the right {needed.label} on the record. "
        "The user who created the job does not have it. Somebody who has it may create the job."
    )
    # A deleted record has no rights, and no data to protect.
    return {job: Failed(JobResult.NOT_ALLOWED, text) for job, key in lacking.items() if key in present}


async def _beyond_limit(tasks: Tasks, services: JobServices) -> dict[UUID, Failed]:
    """Count the records whose contact exists, each record once an hour."""
    known = await services.contacts.known({person_of(task) for task in tasks}) if tasks else {}
    names: dict[RecordKey, str] = {key: str(key) for key in known}
    passing = await services.brake.admit(MassChange.ERASURE, list(names.values()))
    text = f"{TEXTS[Reason.MASS_ERASURE]} Nothing was done: create the job again after the release, or in an hour."
    return {
        task.job.id: Failed(Reason.MASS_ERASURE, text)
        for task in tasks
        if (name := names.get(person_of(task))) is not None and name not in passing
    }
