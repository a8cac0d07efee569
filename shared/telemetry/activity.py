"""What happened in the last day, kept in the state store: outcomes by reason, and how long saves took to arrive.

Each process counts in memory and adds its counts to the document of the quarter of an hour (`add`). A process that dies
loses the counts of seconds; the records themselves are not concerned. Metrics go to Azure Monitor all the same.
"""

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.wording.causes.state_causes import StateCause
from shared.ports.clock import Clock
from shared.ports.documents import Body, update
from shared.ports.state import Delete, DocumentKey, StateStore

QUARTER = timedelta(minutes=15)
DAY_OF_QUARTERS = 96
_KEPT = timedelta(days=31)
_MOST_DELETED = 500
_STEP = 1.25
"""Latencies are counted in buckets; each reaches a quarter further than the one before."""

_SMALLEST = 0.01
_PAUSE = 5.0
"""Seconds between two writes of one process."""


@dataclass(slots=True)
class _Pending:
    """What this process has counted and not written yet."""

    outcomes: Counter[str] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)
    behind: float = 0.0
    written: float = -_PAUSE


_pending = _Pending()


def count_outcome(result: str, reason: str) -> None:
    """Count the end of a record."""
    _pending.outcomes[f"{result}/{reason}"] += 1


ECHO = "echo"
"""In the place of a result: a change that the connector itself had made, and dropped."""


def count_echoes(number: int) -> None:
    """Count changes of Spotler that were the connector's own writes."""
    if number:
        _pending.outcomes[f"{ECHO}/{ECHO}"] += number


def count_latency(seconds: float) -> None:
    """Count how long a save took to arrive."""
    _pending.latencies[bucket_of(seconds)] += 1


def note_behind(seconds: float) -> None:
    """Note for how long changes of Spotler have not been written to Dataverse."""
    _pending.behind = max(_pending.behind, seconds)


def bucket_of(seconds: float) -> int:
    """Return the bucket of a duration."""
    return max(0, math.ceil(math.log(max(seconds, _SMALLEST) / _SMALLEST, _STEP)))


def seconds_of(bucket: int) -> float:
    """Return the upper end of a bucket."""
    return float(_SMALLEST * _STEP**bucket)


@dataclass(frozen=True, slots=True)
class Quarter:
    """The counts of a quarter of an hour: outcomes by `result/reason`, latencies by bucket.

    `behind` is for how many seconds changes of Spotler were not written to Dataverse, at most; None if nobody looked.
    """

    begins: datetime
    outcomes: Mapping[str, int]
    latencies: Mapping[int, int]
    behind: float | None = None


def percentile(latencies: Mapping[int, int], share: float) -> float | None:
    """Return the seconds within which this share of the saves arrived; None without any."""
    total, seen = sum(latencies.values()), 0
    for bucket in sorted(latencies):
        seen += latencies[bucket]
        if seen >= share * total:
            return seconds_of(bucket)
    return None


class Activity:
    """The counts of one environment."""

    def __init__(self, store: StateStore, clock: Clock, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._partition = f"{environment}-activity"

    async def add(self, *, at_once: bool = False) -> None:
        """Write what this process has counted, at most every five seconds unless `at_once`. ConnectorErrors."""
        is_early = time.monotonic() - _pending.written < _PAUSE and not at_once
        if is_early or not (_pending.outcomes or _pending.latencies or _pending.behind):
            return
        outcomes, latencies, behind = Counter(_pending.outcomes), Counter(_pending.latencies), _pending.behind
        _pending.outcomes.clear()
        _pending.latencies.clear()
        _pending.behind = 0.0
        _pending.written = time.monotonic()

        def added(_: DocumentKey, body: Body | None) -> Body:
            known = body or {"outcomes": {}, "latencies": {}}
            longest = max(behind, known.get("behind", 0.0))
            counted = Counter({int(bucket): count for bucket, count in known["latencies"].items()})
            return {
                "outcomes": dict(Counter(known["outcomes"]) + outcomes),
                "latencies": {str(bucket): count for bucket, count in (counted + latencies).items()},
                **({"behind": longest} if longest else {}),
            }

        try:
            await update(self._store, [self._key(self._clock.now())], added, contended=StateCause.COUNTS_CHANGE())
        except BaseException:
            _pending.outcomes.update(outcomes)
            _pending.latencies.update(latencies)
            note_behind(behind)
            raise

    async def last_day(self) -> Sequence[Quarter]:
        """Return the quarters of the last 24 hours in which something happened, oldest first."""
        begin = self._clock.now() - QUARTER * DAY_OF_QUARTERS
        page = await self._store.scan(self._partition, after=_row(begin), limit=DAY_OF_QUARTERS + 2)
        return [
            Quarter(
                datetime.fromisoformat(one.key.row),
                one.body["outcomes"],
                {int(bucket): count for bucket, count in one.body["latencies"].items()},
                one.body.get("behind"),
            )
            for one in page.documents
        ]

    async def tidy(self) -> None:
        """Delete the counts of the month before the last."""
        page = await self._store.scan(self._partition, limit=_MOST_DELETED)
        oldest = _row(self._clock.now() - _KEPT)
        await self._store.write([Delete(one.key) for one in page.documents if one.key.row < oldest])

    def _key(self, moment: datetime) -> DocumentKey:
        return DocumentKey(self._partition, _row(moment))


def _row(moment: datetime) -> str:
    quarter = moment.replace(minute=moment.minute - moment.minute % 15, second=0, microsecond=0)
    return quarter.isoformat()
