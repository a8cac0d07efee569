"""Checks what lane messages claim about jobs against the rows of these jobs.

Everyone who can send to a queue can send a message. By itself, a message only makes the connector read a record. An
intent that only a job may have needs a Spotler Job row whose creator has the right to it.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from shared.domain.records.jobs import JobRow, JobStatus, Operation
from shared.domain.records.records import Intent, Reference
from shared.operations.contacts.person_operation import PersonOperation
from shared.operations.model.operation import JobOperation, Task
from shared.operations.model.services import JobServices
from shared.operations.running.authority import still_allowed

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """References without claims that the rows of their jobs do not confirm."""

    references: Sequence[Reference]
    left: Mapping[UUID, str]
    """Jobs in progress whose person was deleted or merged since, with correlation ids: no reference ends them."""


async def without_false_claims(
    references: Sequence[Reference], operations: Mapping[Operation, JobOperation[Any]], services: JobServices
) -> Verified:
    """Drop the claims that the rows of their jobs do not confirm. ConnectorErrors."""
    if not any(map(_claims, references)):
        return Verified(references, {})
    named = {one.job for one in references if one.job} | {one.consent.job for one in references if one.consent}
    rows = await services.crm.read_jobs(sorted(named)) if named else {}
    backed = {index: row for index, one in enumerate(references) if (row := _row(one, rows, operations)) is not None}
    allowed = await _allowed(list({row.id: row for row in backed.values()}.values()), operations, services)
    checked: list[Reference] = []
    for index, one in enumerate(references):
        job = backed.get(index)
        true = one
        if (one.job is not None or one.intent is not Intent.SYNC) and (job is None or job.id not in allowed):
            log.warning("%s: a message asks for %s, and no job does", one.key, one.intent)
            true = replace(true, intent=Intent.SYNC, job=None)
        if one.consent is not None and not _is_said(one, rows):
            true = replace(true, consent=None)
        checked.append(true)
    return Verified(checked, {one.job: one.correlation for one in references if one.job and _is_left(one, rows)})


def _claims(reference: Reference) -> bool:
    return reference.intent is not Intent.SYNC or reference.job is not None or reference.consent is not None


def _row(
    reference: Reference, rows: Mapping[UUID, JobRow], operations: Mapping[Operation, JobOperation[Any]]
) -> JobRow | None:
    """Return the row of the reference's job if it asks for the same intent and person."""
    row = rows.get(reference.job) if reference.job is not None else None
    if row is None or row.operation is None or row.person != reference.key:
        return None
    operation = operations.get(row.operation)
    return row if isinstance(operation, PersonOperation) and operation.intent is reference.intent else None


def _is_left(reference: Reference, rows: Mapping[UUID, JobRow]) -> bool:
    """Whether the reference's job is in progress for another person than the reference, or for none."""
    row = rows.get(reference.job) if reference.job is not None else None
    return row is not None and row.status is JobStatus.IN_PROGRESS and row.person != reference.key


def _is_said(reference: Reference, rows: Mapping[UUID, JobRow]) -> bool:
    row = rows.get(reference.consent.job) if reference.consent is not None else None
    return row is not None and row.operation is Operation.SET_CONTACT_FIELD and row.person == reference.key


async def _allowed(
    rows: Sequence[JobRow], operations: Mapping[Operation, JobOperation[Any]], services: JobServices
) -> set[UUID]:
    allowed: set[UUID] = set()
    for kind in {row.operation for row in rows if row.operation is not None}:
        tasks = [
            accepted
            for row in rows
            if row.operation is kind and isinstance(accepted := operations[kind].accept(row), Task)
        ]
        allowed |= await still_allowed(operations[kind], tasks, services)
    return allowed
