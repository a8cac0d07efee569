"""The state of a list: what it is in Spotler, its run, and the results of the last runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from shared.domain.features.lists import ListKind, ListRules, MemberCounts
from shared.domain.records.records import PersonTable
from shared.ports.documents import Codec

_HISTORY = 10

NOTHING = "nothing"
"""A snapshot without notes: that of an empty list."""


_RULES = Codec(ListRules, names={"exclude_opted_out": "optedOut", "ignore_inactive": "inactive"})


@dataclass(frozen=True, slots=True)
class ListRun:
    """A synchronisation under way; its end is reported to `jobs`.

    `step` is the number of the next step, `buckets` the number of parts that the members are split into. `is_sending`:
    Spotler may have a part of the snapshot. `resets` counts how often Spotler's list was emptied, so that sending
    starts again.
    """

    id: str
    snapshot: str
    rules: Annotated[ListRules, _RULES]
    jobs: tuple[UUID, ...]
    started_on: datetime
    alive_on: datetime
    correlation: str = ""
    step: int = 0
    phase: str = ""
    buckets: int = 1
    is_sending: bool = False
    resets: int = 0
    members: int = 0
    done: int = 0


_RUN = Codec(
    ListRun,
    names={"snapshot": "generation", "started_on": "startedOn", "alive_on": "aliveOn", "is_sending": "sending"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary(MemberCounts):
    """The result of a synchronisation. `code` is `OK`, or why it failed; `taken_at` is the time of the snapshot."""

    ended_on: datetime
    code: str
    taken_at: datetime | None = None


_SUMMARY = Codec(RunSummary, names={"ended_on": "endedOn", "taken_at": "takenAt"})


@dataclass(frozen=True, slots=True)
class ListState:
    """One list. `snapshots` are the snapshots that Spotler's list may hold, each with its number of buckets.

    There is one after a successful run, several after a run that broke off while sending; None means unknown content.
    `is_listed`: a run succeeded, and the list was not removed since.
    """

    id: UUID
    table: PersonTable
    is_dynamic: bool
    kind: ListKind
    spotler_id: str
    name: str
    rules: Annotated[ListRules, _RULES] = field(default_factory=ListRules)
    is_listed: bool = False
    snapshots: Mapping[str, int] | None = field(default_factory=dict)
    run: Annotated[ListRun, _RUN] | None = None
    waiting: tuple[UUID, ...] = ()
    """Jobs that arrived during a run: they ask for the list as it is now."""
    obsolete: tuple[str, ...] = ()
    """Snapshots whose notes may be deleted; those of the last run stay here in case the message was lost."""
    history: tuple[Annotated[RunSummary, _SUMMARY], ...] = ()
    etag: str = ""

    def ended(self, past: RunSummary, **changes: Any) -> Self:
        """Return the state after a run."""
        return replace(self, run=None, history=(past, *self.history)[:_HISTORY], **changes)

    def snapshots_after_break(self, run: ListRun) -> dict[str, int] | None:
        """Return the snapshots that Spotler's list may hold after a run broke off."""
        if self.snapshots is None or not run.is_sending:
            return None if self.snapshots is None else dict(self.snapshots)
        return {**(self.snapshots or {NOTHING: 1}), run.snapshot: run.buckets}

    @property
    def noted_in(self) -> dict[str, int]:
        """All snapshots in which a change of a single member must be noted."""
        known = dict(self.snapshots or {})
        return known | ({self.run.snapshot: self.run.buckets} if self.run else {})


LIST_STATE = Codec(
    ListState,
    outside={"id", "etag"},
    names={
        "is_dynamic": "dynamic",
        "spotler_id": "spotler",
        "is_listed": "listed",
        "snapshots": "generations",
    },
)
"""The document holds ids, numbers, times and the name of the list; no data of a person."""
