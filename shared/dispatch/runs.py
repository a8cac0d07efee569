"""Runs: walks over a table that a person started, with progress that survives closing a page, a restart, an upgrade.

Documents of the partition `run` (INI-07, INI-09..INI-12):

- the run's id: state, position, counts by `result/reason`, events; changed with its version only;
- partition `run-{id}`, one document per page with records that were not passed on: their ids by reason.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from shared.domain.records.outcomes import IN_PLATFORM
from shared.domain.records.records import PersonTable
from shared.engine.work_items import ItemResult
from shared.ports.clock import Clock
from shared.ports.documents import Codec, documents, read_one, versioned
from shared.ports.state import DocumentKey, Put, StateStore

PREFIX = "run-"
"""The correlation id of a run's messages: this, and the id of the run."""

_MOST_EVENTS = 50
_MOST_MOMENTS = 30
_END = 253_402_300_799
"""The last second of the year 9999: ids count down, so that a scan meets the newest run first."""


class RunState(StrEnum):
    """The life of a run."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    COMPLETED = "completed"
    BROKEN = "broken"
    """A page could not be read for hours; a resume goes on there."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self in {RunState.STOPPED, RunState.COMPLETED}


@dataclass(frozen=True, slots=True)
class RunEvent:
    """What happened to a run: `started`, `paused`, `resumed`, `stopped`, `completed`, `broken`; `by` is an id."""

    at: datetime
    what: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """How many records were done at a time."""

    at: datetime
    done: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run. `after` is the position: the end of the last page that was processed, `before` where that page began.

    `pages` counts the pages that were processed. `total` is the number of records when it started, 0 if it was not
    counted. `etag` is the version of the document.
    """

    id: str
    table: PersonTable
    state: RunState
    begun: datetime
    saved: datetime
    total: int = 0
    done: int = 0
    pages: int = 0
    after: str | None = None
    before: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    moments: tuple[Annotated[Moment, Codec(Moment)], ...] = ()
    events: tuple[Annotated[RunEvent, Codec(RunEvent)], ...] = ()
    etag: str = ""

    @property
    def correlation(self) -> str:
        """The correlation id of its messages."""
        return f"{PREFIX}{self.id}"

    @property
    def per_second(self) -> float:
        """Records per second over the last pages; 0 before two pages are done."""
        if len(self.moments) < 2:  # noqa: PLR2004  # a rate needs two moments
            return 0.0
        first, last = self.moments[0], self.moments[-1]
        return (last.done - first.done) / max((last.at - first.at).total_seconds(), 0.001)

    @property
    def left(self) -> timedelta | None:
        """How long it will still take; None if that is unknown."""
        rate = self.per_second
        return timedelta(seconds=max(0, self.total - self.done) / rate) if rate and self.total else None

    @property
    def not_passed_on(self) -> int:
        """How many records did not get into Spotler."""
        return sum(count for name, count in self.counts.items() if name.partition("/")[2] not in IN_PLATFORM)

    def became(self, state: RunState, now: datetime, by: str = "") -> "Run":
        """Return the run in a new state. Moments begin anew: a pause is no slow page."""
        event = RunEvent(now, str(state), by)
        return replace(self, state=state, saved=now, moments=(), events=(event, *self.events)[:_MOST_EVENTS])

    def with_page(self, finished: Sequence[ItemResult], after: str | None, now: datetime) -> "Run":
        """Return the run after a page."""
        counts = Counter(self.counts)
        counts.update(f"{one.outcome.result}/{one.outcome.reason}" for one in finished)
        done = self.done + len(finished)
        return replace(
            self,
            done=done,
            total=max(self.total, done),
            pages=self.pages + 1,
            after=after if after is not None else self.after,
            before=self.after,
            counts=dict(counts),
            saved=now,
            moments=(*self.moments, Moment(now, done))[-_MOST_MOMENTS:],
        )


_CODEC = Codec(Run, outside={"id", "etag"})


class Runs:
    """Keeps the runs of one environment. All methods raise ConnectorErrors."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._environment = environment
        self._partition = f"{environment}-run"

    def new_id(self) -> str:
        """Return the id of a run that begins now."""
        return f"{int((_END - self._clock.now().timestamp()) * 1000):015d}"

    async def read(self, identifier: str) -> Run | None:
        """Return a run; None if there is none of that id."""
        found = await read_one(self._store, self._key(identifier))
        return _CODEC.read(found.body, id=found.key.row, etag=found.etag) if found else None

    async def latest(self, limit: int = 30) -> Sequence[Run]:
        """Return the runs, newest first."""
        page = await self._store.scan(self._partition, limit=limit)
        return [_CODEC.read(one.body, id=one.key.row, etag=one.etag) for one in page.documents]

    async def save(self, run: Run) -> bool:
        """Write a run in the version that was read; whether nobody else had changed it."""
        (etag,) = await self._store.write([versioned(self._key(run.id), _CODEC.body(run), run.etag)])
        return etag is not None

    async def note_page(self, run: Run, finished: Sequence[ItemResult]) -> None:
        """Write the records of a page that were not passed on, by reason."""
        reasons: dict[str, list[str]] = {}
        for one in finished:
            if one.outcome.reason not in IN_PLATFORM:
                reasons.setdefault(f"{one.outcome.result}/{one.outcome.reason}", []).append(str(one.item.key))
        if reasons:
            key = DocumentKey(f"{self._environment}-run-{run.id}", f"{run.pages:06d}")
            await self._store.write([Put(key, {"records": reasons})])

    async def not_passed_on(self, identifier: str) -> AsyncIterator[tuple[str, str]]:
        """Yield `result/reason` and record of everybody who was not passed on, in the order of the run."""
        async for page in documents(self._store, f"{self._environment}-run-{identifier}"):
            for why, records in page.body["records"].items():
                for record in records:
                    yield why, record

    def _key(self, identifier: str) -> DocumentKey:
        return DocumentKey(self._partition, identifier)
