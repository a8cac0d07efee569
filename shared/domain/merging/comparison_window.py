"""A comparison of all contacts in windows: its position, the width of the next window, and its end. Pure.

A feed of changes has no count in advance. A window that holds more than a step may read ends where reading ended, if
the contacts are in the order of their last change. Otherwise it is read again with an earlier end.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Self

MOST = 2_000
"""Contacts that one step reads: twenty calls."""

SHORTEST = timedelta(seconds=1)
"""The platform's feeds have whole seconds: a window of one second is read to its end, whatever its size."""

_SMALLEST_SLICE = 100
_WIDER = 4
_MUCH_MORE = 3


class Span(StrEnum):
    """The scope of a comparison."""

    SINCE = "since"
    """Changes since a requested moment (INI-04)."""
    RECENT = "recent"
    """Changes since yesterday, every night."""
    ACCOUNT = "account"
    """The whole account, a slice every night (C-05)."""


@dataclass(frozen=True, slots=True)
class ComparisonRun:
    """The position of a comparison: last changes from `since` to `until` are done, those up to `end` follow.

    `seconds` is the width of the next window; 0: all that is left. `doubtful` are external ids of contacts whose
    handling has begun and may not have ended. `contacts` is the number of compared contacts, `found` the divergences by
    kind. For the whole account: `night` counts slices, `tonight` the contacts of this slice, `slice` its limit (0:
    none), and `size` is the number of contacts in the former pass. `paused` is since when nothing more is compared, and
    `stopped` is whether a person ended it.
    """

    id: str
    span: Span
    begun: datetime
    since: datetime
    until: datetime
    end: datetime
    seconds: float = 0.0
    doubtful: tuple[str, ...] = ()
    contacts: int = 0
    found: Mapping[str, int] = field(default_factory=dict)
    finished: datetime | None = None
    night: int = 0
    tonight: int = 0
    slice: int = 0
    size: int = 0
    paused: datetime | None = None
    stopped: bool = False

    @property
    def edge(self) -> datetime:
        """The end of the next window."""
        return min(self.until + timedelta(seconds=self.seconds), self.end) if self.seconds else self.end

    @property
    def most(self) -> int:
        """How many contacts the next window may read; 0: all of them."""
        if self.edge - self.until <= SHORTEST:
            return 0
        return min(MOST, max(_SMALLEST_SLICE, self.slice - self.tonight)) if self.slice else MOST

    @property
    def rests(self) -> bool:
        """Whether nothing is left to do, or nothing more tonight."""
        return self.finished is not None or self.paused is not None or bool(self.slice and self.tonight >= self.slice)

    def next_night(self, run_id: str, *, days: int, records: int) -> Self:
        """Return the next slice, so that the whole account has been seen after `days` nights.

        `records` is how many records were compared the night before: a new account has no count of its own yet.
        """
        night = self.night + 1
        left = days - night + 1
        expected = max(self.size, records) - self.contacts
        share = 0 if left <= 1 else max(_SMALLEST_SLICE, math.ceil(expected / left))
        return replace(self, id=run_id, night=night, tonight=0, slice=share)

    def moved(self, until: datetime, *, contacts: int, found: Mapping[str, int], now: datetime) -> Self:
        """Return the run after a window that was handled up to `until`; after an empty one the next is wider."""
        seconds = self.seconds
        if seconds and contacts < MOST / _WIDER:
            seconds *= _WIDER
        total = {kind: self.found.get(kind, 0) + found.get(kind, 0) for kind in {*self.found, *found}}
        return replace(
            self,
            until=until,
            seconds=seconds,
            doubtful=(),
            contacts=self.contacts + contacts,
            tonight=self.tonight + contacts,
            found=total,
            finished=now if until >= self.end else None,
        )

    def narrowed(self, changed: Sequence[datetime | None]) -> Self:
        """Return the run with a shorter window: this one held more than these contacts, and they were in no order."""
        width = self.edge - self.until
        known = sorted(one for one in changed if one is not None and self.until < one < self.edge)
        half = known[len(known) // 2] - self.until if known else width / 2
        return replace(self, seconds=max(SHORTEST, min(half, width / 2)).total_seconds())


def is_enough(changed: Sequence[datetime | None], page: int, most: int) -> bool:
    """Whether reading may end after a page of so many contacts, the last ones of `changed`; never if `most` is 0.

    Reading goes on while all contacts of a page changed in one second, because the last second is read again.
    """
    if not most or len(changed) < most:
        return False
    before, last = (changed[-page - 1] if page < len(changed) else None), changed[-1]
    if before is None or last is None or len(changed) >= _MUCH_MORE * most:
        return True
    return last.replace(microsecond=0) > before.replace(microsecond=0)


def reached(changed: Sequence[datetime | None], start: datetime) -> datetime | None:
    """Return until when a window was read whose reading ended early; None if its contacts were in no order.

    More contacts of that second may follow, so the next window begins with it.
    """
    known = [one for one in changed if one is not None]
    if len(known) < len(changed) or any(later < earlier for earlier, later in pairwise(known)):
        return None
    until = known[-1].replace(microsecond=0) if known else start
    return until if until >= start + SHORTEST else None
