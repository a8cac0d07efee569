"""What every operation of a Spotler Job is, and how a job can end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from pydantic import ValidationError

from shared.domain.records.access_rights import AccessRight
from shared.domain.records.jobs import JobResult, JobRow, Operation, Repetition
from shared.errors import ConnectorError
from shared.operations.model.parameters import TITLES, Parameters, broken_rules
from shared.operations.model.services import JobServices
from shared.ports.queue import QueueName

ParametersT = TypeVar("ParametersT", bound=Parameters)


@dataclass(frozen=True, slots=True)
class Task(Generic[ParametersT]):
    """A job whose parameters are in order; `correlation` is the id of the change that created it."""

    job: JobRow
    parameters: ParametersT
    correlation: str = ""


@dataclass(frozen=True, slots=True)
class JobRefused:
    """The job cannot be run as it is; `text` tells its author what to change."""

    text: str


# ----------------------------------------------------------------------------------------------------- how a job ends


@dataclass(frozen=True, slots=True)
class Succeeded:
    """It is done. `post` goes to the timeline of the job's person, `runs` are AutomationContactIds (JOB-27)."""

    text: str
    code: str = JobResult.OK
    post: str = ""
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """It is not done, and trying again would not change that. `text` may quote Spotler: for the job's row only."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent, nobody knows whether it happened, and it must not be sent again: the journal keeps it as sent."""

    code: str = field(default=JobResult.OUTCOME_UNKNOWN, init=False)
    text: str = field(
        default="Outcome unknown: it may or may not have happened in Spotler. Look there, and create a new job if it "
        "has not.",
        init=False,
    )


@dataclass(frozen=True, slots=True)
class Later:
    """It had no effect, or none that a repetition would double: back to Queued, and again."""

    error: ConnectorError


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The engine reports on the job itself, now or when it has come back to the person."""


JobOutcome = Succeeded | Failed | Unknown | Later | HandedOver


def invalid(text: str) -> Failed:
    """End a job whose parameters turned out to be wrong when they were looked up."""
    return Failed(JobResult.NOT_VALID, f"{JobResult.NOT_VALID} {text}")


# ------------------------------------------------------------------------------------------------------- an operation


class JobOperation(ABC, Generic[ParametersT]):
    """One operation. Its module is named after it and explains it."""

    operation: ClassVar[Operation]
    """The option value that it stands for."""

    repetition: ClassVar[Repetition] = Repetition.SAFE
    """Whether a job that may have been run may be run again; `HarmfulOperation` for those that may not."""

    lane: ClassVar[QueueName] = QueueName.LIVE
    """Where its jobs belong: BULK when one job is the work of minutes."""

    needs: ClassVar[AccessRight | None] = None
    """The right that a job's creator must have on the person's record, where the effect cannot be taken back."""

    successes: ClassVar[tuple[str, ...]] = (JobResult.OK,)
    failures: ClassVar[tuple[str, ...]] = ()
    """Result codes of its own, besides those that every job can end with."""

    parameters: type[ParametersT]
    """The columns of a job that it reads, with their rules."""

    def accept(self, job: JobRow) -> Task[ParametersT] | JobRefused:
        """Check the job's parameters."""
        try:
            return Task(job, self.parameters.model_validate(job))
        except ValidationError as problem:
            return JobRefused(f"{self.operation.label} {broken_rules(problem)}.{self._elsewhere(job)}")

    def _elsewhere(self, job: JobRow) -> str:
        """Point at what the author of a refused job filled in where the operation does not look."""
        unread = [
            title for name, title in TITLES.items() if name not in self.parameters.model_fields and getattr(job, name)
        ]
        if not unread:
            return ""
        return f" It does not read {', '.join(unread)}: what stands there belongs to another operation."

    @abstractmethod
    async def run(self, tasks: Sequence[Task[ParametersT]], services: JobServices) -> Sequence[JobOutcome]:
        """Carry out; an outcome per task, in order. ConnectorErrors are raised only before anything had an effect."""


class JournaledOperation(JobOperation[ParametersT]):
    """One whose effect is written down before it is reported: known, it is never repeated (`journal.py`)."""

    @abstractmethod
    def describe(self, task: Task[ParametersT]) -> Succeeded:
        """Say what was done, when all that is left of it is an entry of the journal."""


class HarmfulOperation(JournaledOperation[ParametersT]):
    """One whose jobs are sent at most once: that they are about to be sent is written down, too."""

    repetition = Repetition.HARMFUL
