"""What every operation of a Spotler Job answers when it is asked to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared.core.jobs import JobRow, Operation
from shared.core.records import Reference


@dataclass(frozen=True, slots=True)
class Refused:
    """The job cannot be run as it is; `text` tells its author what to change."""

    text: str


@dataclass(frozen=True, slots=True)
class Look:
    """The job is done by looking at a person; how that ends is the job's result."""

    reference: Reference


class JobOperation(Protocol):
    """One operation. Its module is named after it and explains it."""

    @property
    def operation(self) -> Operation:
        """The option value that it stands for."""
        ...

    def accept(self, job: JobRow) -> Look | Refused:
        """Check the job's parameters and say what is to be done."""
        ...
