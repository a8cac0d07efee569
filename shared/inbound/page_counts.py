"""Counts for pages of Spotler contacts: by kind of change, and by result."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Self

from shared.domain.merging.divergence import Divergence
from shared.domain.planning.decisions import Rest, Write
from shared.domain.records.outcomes import Result
from shared.engine.work_items import ItemResult


class ChangeKind(StrEnum):
    """The kind of change that a poll found in a contact."""

    ECHO = "echo"
    CHANGED = "changed"
    NEW_SUBSCRIBER = "newcomer"
    UNKNOWN = "unknown"
    """The external id belongs to a record that is not, or no longer, in an enabled table."""


class ImportMode(Enum):
    """What to do with contacts that have no record."""

    IMPORT = auto()
    """Import them, as the settings say (NEW)."""
    DEFER = auto()
    """Leave them to a later poll, because earlier ones could not be imported. Refusals at their address are lifted."""
    COUNT = auto()


@dataclass(slots=True)
class PageCounts:
    """Counts for pages: contacts by kind of change, and the results.

    `values` and `permissions` were written to Dataverse. `waiting` counts records with another attempt, `failed`
    records that failed or were dead-lettered, `reviews` open questions for a person. `defects` counts contacts on which
    the connector itself failed. `echoes` are external ids. `import_error` is why importing new subscribers failed.
    """

    seen: Counter[ChangeKind] = field(default_factory=Counter)
    echoes: set[str] = field(default_factory=set)
    divergences: Counter[Divergence] = field(default_factory=Counter)
    values: int = 0
    permissions: int = 0
    waiting: int = 0
    failed: int = 0
    reviews: int = 0
    defects: int = 0
    import_error: Exception | None = None

    def add(self, part: Self) -> None:
        """Add the counts of known contacts."""
        self.seen += part.seen
        self.divergences += part.divergences
        self.values += part.values
        self.permissions += part.permissions
        self.waiting += part.waiting
        self.failed += part.failed

    def count(self, finished: Sequence[ItemResult]) -> None:
        """Count the results of records."""
        for one in finished:
            result = one.outcome.result
            self.waiting += result is Result.WAITING
            self.failed += result is Result.FAILED
            if result in {Result.WAITING, Result.FAILED} or not isinstance(one.plan, Write | Rest):
                continue
            self.values += len(one.plan.dataverse_changes.fields) + (
                one.plan.dataverse_changes.refuses_bulk is not None
            )
            self.permissions += len(one.plan.dataverse_changes.subscriptions)
