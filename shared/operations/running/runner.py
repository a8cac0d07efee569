"""Runs Spotler Jobs: Queued, In Progress, then Completed or Failed with a result (JOB-25, JOB-26, TRB-01).

Jobs are taken by a conditional write on their row, run together per operation, and reported together. Most jobs may
be run again as long as their row has no end. A job with a journal that is In Progress was begun by a worker that is
dead or slow. The journal has whether it was done and, for a HARMFUL operation, whether it was sent.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from shared.domain.records.jobs import JobRow, JobStatus, Operation, Repetition
from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.records.records import RecordKey, Reference
from shared.engine.bindings.claim_deadline import begin_part
from shared.errors import ConnectorError, whereabouts
from shared.messages.lane_messages import Jobs, Lanes
from shared.messages.redelivery import Redelivery
from shared.operations.model.operation import (
    Failed,
    JobOperation,
    JobOutcome,
    JobOutcomes,
    JobRefused,
    JournaledOperation,
    Later,
    Task,
    Unknown,
)
from shared.operations.model.services import JobServices
from shared.operations.running.authority import admit, rights_to_read
from shared.operations.running.job_status_writer import JobStatusWriter
from shared.operations.running.journal import EndedJob, Sent
from shared.operations.running.message_claims import without_false_claims
from shared.ports.clock import Clock
from shared.ports.dataverse import JobReport
from shared.ports.queue import QueueName

TaskT = TypeVar("TaskT", bound=Task[Any])


def ordered_batches(tasks: Sequence[TaskT]) -> list[list[TaskT]]:
    """Split jobs into batches of one operation each.

    Jobs of one person with different operations are in different batches; those with the same operation stay together,
    in order. Jobs without a person are in the first batch of their operation.
    """
    levels: dict[tuple[int, Operation | None], list[TaskT]] = {}
    latest: dict[RecordKey, tuple[int, Operation | None]] = {}
    for task in sorted(tasks, key=lambda task: (task.job.created_on, task.job.id)):
        person, operation = task.job.person, task.job.operation
        level = 0
        if person is not None:
            before, last = latest.get(person, (0, operation))
            level = before if last is operation else before + 1
            latest[person] = (level, operation)
        levels.setdefault((level, operation), []).append(task)
    return [levels[place] for place in sorted(levels, key=lambda place: (place[0], place[1] or 0))]


log = logging.getLogger(__name__)

_MOST_AT_ONCE, _MOST_JOURNALED = 2500, 100
"""Jobs that are taken, run and reported together. One call for an audience has room for 2,500 people.
With a journal the batch is smaller, so a dead worker leaves few jobs with unknown effect."""

Tasks = Sequence[Task[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRunner:
    """Runs jobs by id. Every job ends, is scheduled again, or is dead-lettered with its reason.

    After `presumed_dead`, a worker that has taken a HARMFUL job and not reported it counts as dead.
    """

    services: JobServices
    operations: Mapping[Operation, JobOperation[Any]]
    lanes: Lanes
    redelivery: Redelivery
    clock: Clock
    presumed_dead: timedelta

    async def run(self, message: Jobs, *, lane: QueueName) -> None:
        """Run the jobs that have not ended; deleted jobs are ignored."""
        status_writer = JobStatusWriter(
            crm=self.services.crm,
            access=self.services.access,
            redelivery=self.redelivery,
            clock=self.clock,
            message=message,
            lane=lane,
        )
        try:
            rows = await self.services.crm.read_jobs(message.jobs)
        except ConnectorError as error:
            await self.redelivery.postpone(lane, message, error)
            return
        tasks: list[Task[Any]] = []
        refusals: list[tuple[JobRow, str]] = []
        for job in (row for row in rows.values() if not row.status.is_final):
            match self._accept(job):
                case Task() as task:
                    tasks.append(replace(task, correlation=message.correlation_of(job.id)))
                case JobRefused(text):
                    refusals.append((job, text))
        await status_writer.refuse(refusals)
        for batch in ordered_batches(tasks):
            operation = self._operation_of(batch[0])
            if operation.lane is QueueName.BULK and lane is not QueueName.BULK:
                await self.lanes.send(operation.lane, message.part(one.job.id for one in batch))
                continue
            has_journal = isinstance(operation, JournaledOperation)
            for chunk in _chunks(batch, _MOST_JOURNALED if has_journal else _MOST_AT_ONCE):
                if begin_part():
                    await self._carry_out(operation, chunk, status_writer)
                else:
                    await self.redelivery.put_back(lane, message.part(one.job.id for one in chunk))

    def _accept(self, job: JobRow) -> Task[Any] | JobRefused:
        operation = self.operations.get(job.operation) if job.operation is not None else None
        if operation is None:
            return JobRefused("Operation is empty or unknown: choose one.")
        return operation.accept(job)

    def _operation_of(self, task: Task[Any]) -> JobOperation[Any]:
        assert task.job.operation is not None, "the job was accepted"
        return self.operations[task.job.operation]

    async def _carry_out(self, operation: JobOperation[Any], tasks: Tasks, status_writer: JobStatusWriter) -> None:
        if isinstance(operation, JournaledOperation):
            await self._by_journal(operation, tasks, status_writer)
            return
        begun = [task for task in tasks if task.job.status is not JobStatus.QUEUED]
        taken = await _take(operation, [task for task in tasks if task.job.status is JobStatus.QUEUED], status_writer)
        going = [*begun, *taken]
        await status_writer.end(_ends(going, await self._run_admitted(operation, going)))

    async def repeat(self, job: JobRow, *, correlation: str) -> None:
        """Queue a failed job again, with the rights of its creator. ConflictError if its row has changed.

        Raises ConnectorErrors. If the message is lost, the sweep finds the job.
        """
        (problem,) = await self.services.crm.report([JobReport(job.id, JobStatus.QUEUED, if_etag=job.etag)])
        if problem is not None:
            raise problem
        await self.lanes.send(QueueName.LIVE, Jobs(jobs=[job.id], correlation=correlation))

    async def verify(self, references: Sequence[Reference]) -> list[Reference]:
        """Return the references without claims that the rows of their jobs do not confirm. ConnectorErrors.

        Jobs in progress that lost their person are sent to the lane again: there they end.
        """
        verified = await without_false_claims(references, self.operations, self.services)
        if verified.left:
            await self.lanes.send(QueueName.LIVE, Jobs.of(verified.left, attempt=1))
        return list(verified.references)

    async def _run_admitted(self, operation: JobOperation[Any], tasks: Tasks) -> JobOutcomes:
        """Run the jobs that are admitted, and return refusals for the others."""
        try:
            going, refused = await admit(operation, tasks, self.services)
        except ConnectorError as error:
            return {task.job.id: Later(error) for task in tasks}
        return {**refused, **await self._run(operation, going)}

    async def _run(self, operation: JobOperation[Any], tasks: Tasks) -> JobOutcomes:
        """Run a batch. After a defect of the connector, run the jobs one by one, so that the others are unaffected."""
        if not tasks:
            return {}
        try:
            return await operation.run(tasks, self.services)
        except ConnectorError as error:
            return {task.job.id: Later(error) for task in tasks}
        except Exception as error:  # noqa: BLE001  # a defect of the connector: the other jobs go on
            if len(tasks) > 1:  # jobs that were sent are in the journal and are not sent again
                return {job: end for task in tasks for job, end in (await self._run(operation, [task])).items()}
            log.error(  # noqa: TRY400  # not exception(), whose text may quote a person
                "job %s broke the connector: %s", tasks[0].job.id, whereabouts(error)
            )
            is_safe = operation.repetition is Repetition.SAFE
            return {tasks[0].job.id: Failed(Reason.DEFECT, TEXTS[Reason.DEFECT]) if is_safe else Unknown()}

    # -------------------------------------------------------------------------------------------------------- journal

    async def _by_journal(
        self, operation: JournaledOperation[Any], tasks: Tasks, status_writer: JobStatusWriter
    ) -> None:
        try:
            undone = await self._undone(operation, tasks, status_writer)
        except ConnectorError as error:
            await status_writer.postpone([task.job for task in tasks], error)
            return
        taken = await _take(operation, undone, status_writer)
        await self._forget(await status_writer.end(_ends(taken, await self._run_admitted(operation, taken))))

    async def _undone(self, operation: JournaledOperation[Any], tasks: Tasks, status_writer: JobStatusWriter) -> Tasks:
        """Report jobs that another worker has done or sent; return those without an entry."""
        entries = await self.services.journal.entries([task.job.id for task in tasks])
        known: list[tuple[JobRow, JobOutcome]] = []
        undone: list[Task[Any]] = []
        for task in tasks:
            entry = entries.get(task.job.id)
            if isinstance(entry, EndedJob):
                known.append((task.job, replace(operation.describe(task), runs=entry.runs)))
            elif (until := self._held_until(task.job)) is not None:
                await status_writer.wait([task.job], until)
            elif isinstance(entry, Sent):
                known.append((task.job, Unknown()))
            else:
                undone.append(task)
        await self._forget(await status_writer.end(known, only_if_unchanged=True))
        return undone

    def _held_until(self, job: JobRow) -> datetime | None:
        """Return until when another worker may still run the job; None if no worker can."""
        if job.status is not JobStatus.IN_PROGRESS or job.started_on is None:
            return None
        until = job.started_on + self.presumed_dead
        return until if self.clock.now() < until else None

    async def _forget(self, jobs: frozenset[UUID]) -> None:
        """Delete entries of the journal. A remaining entry does no harm: the job has ended."""
        try:
            await self.services.journal.forget(jobs)
        except ConnectorError as error:
            log.warning("%d entries of the journal remain: %s", len(jobs), error)


async def _take(operation: JobOperation[Any], tasks: Tasks, status_writer: JobStatusWriter) -> Tasks:
    taken = await status_writer.take([task.job for task in tasks], rights_to_read(operation, tasks))
    return [task for task in tasks if task.job.id in taken]


def _ends(tasks: Tasks, outcomes: JobOutcomes) -> list[tuple[JobRow, JobOutcome]]:
    return [(task.job, outcomes[task.job.id]) for task in tasks]


def _chunks(tasks: Tasks, most: int) -> Iterator[Tasks]:
    for start in range(0, len(tasks), most):
        yield tasks[start : start + most]
