"""Operations that are a matter of one person record: the engine does them, with an intent."""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.jobs import JobRow, Operation
from shared.core.records import Intent, Reference, Why
from shared.operations.operation import Look, Refused


@dataclass(frozen=True, slots=True)
class PersonOperation:
    """Needs a Customer or Lead and nothing else."""

    operation: Operation
    intent: Intent

    def accept(self, job: JobRow) -> Look | Refused:
        """Point the engine at the person."""
        if job.person is None:
            return Refused(f"{self.operation.label} needs a Customer (account or contact) or a Lead: fill one in.")
        return Look(Reference(job.person, Why.JOB, correlation=str(job.id), intent=self.intent, job=job.id))
