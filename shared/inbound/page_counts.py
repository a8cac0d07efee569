"""What pages of Spotler contacts came to: counts by what was seen, and what followed from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

from shared.domain.merging.divergence import Divergence
from shared.domain.planning.context import Rest, Write
from shared.domain.records.outcomes import Result
from shared.engine.work_items import ItemResult


class Seen(StrEnum):
    """What a poll found in a contact."""

    ECHO = "echo"
    CHANGED = "changed"
    NEW_SUBSCRIBER = "newcomer"
    UNKNOWN = "unknown"
    """Its external id is that of a record which is not (any more) in an enabled table."""


class ImportMode(Enum):
    """What to do with contacts that no record belongs to."""

    IMPORT = auto()
    """Take them in, as the settings say (NEW)."""
    DEFER = auto()
    """They wait: others before them could not be taken in. What somebody refused at their address is lifted."""
    COUNT = auto()


@dataclass(slots=True)
class Handled:
    """What pages came to: contacts by what was seen, and what followed from them.

    `values` and `permissions` were written to Dataverse, `waiting` are records that are tried again by themselves,
    `failed` records that were told or buried, `reviews` questions that a person must decide, `defects` contacts on
    which the connector broke. `echoes` are external ids of a page. `import_error` says why new subscribers could not be
    taken in.
    """

    seen: Counter[Seen] = field(default_factory=Counter)
    echoes: set[str] = field(default_factory=set)
    divergences: Counter[Divergence] = field(default_factory=Counter)
    values: int = 0
    permissions: int = 0
    waiting: int = 0
    failed: int = 0
    reviews: int = 0
    defects: int = 0
    import_error: Exception | None = None

    def add(self, part: Handled) -> None:
        """Add what known contacts came to."""
        self.seen += part.seen
        self.divergences += part.divergences
        self.values += part.values
        self.permissions += part.permissions
        self.waiting += part.waiting
        self.failed += part.failed

    def count(self, finished: Sequence[ItemResult]) -> None:
        """Count how records ended that were looked at."""
        for one in finished:
            result = one.outcome.result
            self.waiting += result is Result.WAITING
            self.failed += result is Result.FAILED
            if result in {Result.WAITING, Result.FAILED} or not isinstance(one.plan, Write | Rest):
                continue
            self.values += len(one.plan.home.fields) + (one.plan.home.refuses_bulk is not None)
            self.permissions += len(one.plan.home.subscriptions)
