"""The base of every operation of a Spotler Job, and the possible ends of a job."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar
from uuid import UUID, uuid5

from pydantic import ValidationError

from shared.domain.records.access_rights import AccessRight
from shared.domain.records.jobs import JobResult, JobRow, Operation, Repetition
from shared.errors import ConnectorError
from shared.operations.model.parameters import TITLES, Parameters, broken_rules
from shared.operations.model.services import JobServices
from shared.ports.dataverse import TimelinePost
from shared.ports.queue import QueueName

ParametersT = TypeVar("ParametersT", bound=Parameters)


@dataclass(frozen=True, slots=True)
class Task(Generic[ParametersT]):
    """A job with valid parameters; `correlation` is the id of the change that created it."""

    job: JobRow
    parameters: ParametersT
    correlation: str = ""


@dataclass(frozen=True, slots=True)
class JobRefused:
    """The job cannot be run as it is; `text` names what its author must change."""

    text: str


# ----------------------------------------------------------------------------------------------------- how a job ends


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The job is done. `post` goes to the timeline of the job's person, `runs` are AutomationContactIds (JOB-27)."""

    text: str
    code: str = JobResult.OK
    post: str = ""
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The job is not done, and a retry would not help. `text` may quote the platform: for the row of the job only."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The job was sent with unknown effect and must not be sent again: the journal keeps it as sent."""

    code: str = field(default=JobResult.OUTCOME_UNKNOWN, init=False)
    text: str = field(
        default="Outcome unknown: it may or may not have happened in Spotler. Look there, and create a new job if it "
        "has not.",
        init=False,
    )


@dataclass(frozen=True, slots=True)
class Later:
    """The job goes back to Queued and is retried: it had no effect, or none that a repetition would double."""

    error: ConnectorError


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The engine reports the job itself, now or after a retry of the record."""


JobOutcome = Succeeded | Failed | Unknown | Later | HandedOver
JobOutcomes = dict[UUID, JobOutcome]
"""Outcomes by the id of the job."""


def invalid(text: str) -> Failed:
    """End a job whose parameters are wrong, as a look-up has shown."""
    return Failed(JobResult.NOT_VALID, f"{JobResult.NOT_VALID} {text}")


# ------------------------------------------------------------------------------------------------------- an operation


_REQUESTS = UUID("2f6d2b0a-7a57-4b0e-9c0c-9d1f6f0b8e11")
"""Namespace of the ids of posts about privileged jobs: a job has one post, however often it is reported."""


class JobOperation(ABC, Generic[ParametersT]):
    """One operation; its module has its name."""

    operation: ClassVar[Operation]
    """The option value that it stands for."""

    repetition: ClassVar[Repetition] = Repetition.SAFE
    """Whether a job that may have been run may be run again; `HarmfulOperation` for those that may not."""

    lane: ClassVar[QueueName] = QueueName.LIVE
    """The lane of its jobs: BULK if one job takes minutes."""

    needs: ClassVar[AccessRight | None] = None
    """The right that a job's creator must have on the person's record, where the effect cannot be taken back."""

    successes: ClassVar[tuple[str, ...]] = (JobResult.OK,)
    failures: ClassVar[tuple[str, ...]] = ()
    """Result codes in addition to those of every job."""

    parameters: type[ParametersT]
    """The columns that it reads, with their rules."""

    def accept(self, job: JobRow) -> Task[ParametersT] | JobRefused:
        """Check the job's parameters."""
        try:
            return Task(job, self.parameters.model_validate(job))
        except ValidationError as problem:
            return JobRefused(f"{self.operation.label} {broken_rules(problem)}.{self._elsewhere(job)}")

    def _elsewhere(self, job: JobRow) -> str:
        """Name the filled columns of a refused job that the operation does not read."""
        unread = [
            title for name, title in TITLES.items() if name not in self.parameters.model_fields and getattr(job, name)
        ]
        if not unread:
            return ""
        return f" It does not read {', '.join(unread)}: what stands there belongs to another operation."

    def requests(self, tasks: Sequence[Task[ParametersT]]) -> list[TimelinePost]:
        """Return a post for each record that says who created the job; none for an operation without `needs`."""
        if self.needs is None:
            return []
        text = f"{self.operation.label} was asked for by"
        return [
            TimelinePost(uuid5(_REQUESTS, str(job.id)), job.person, f"{text} {job.creator_name or job.creator}.")
            for job in (task.job for task in tasks)
            if job.person is not None
        ]

    @abstractmethod
    async def run(self, tasks: Sequence[Task[ParametersT]], services: JobServices) -> JobOutcomes:
        """Carry out; one outcome per task. Raises ConnectorErrors only before any effect."""


class JournaledOperation(JobOperation[ParametersT]):
    """An operation whose effect is stored before it is reported, and is then never repeated (`journal.py`)."""

    @abstractmethod
    def describe(self, task: Task[ParametersT]) -> Succeeded:
        """Report the result when only the entry of the journal is left."""


class HarmfulOperation(JournaledOperation[ParametersT]):
    """An operation whose jobs are sent at most once: the journal also stores that they are about to be sent."""

    repetition = Repetition.HARMFUL
