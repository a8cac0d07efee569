"""When statistics of a mailing are read again: often while it is young, never once it is old (P-18)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Refresh(StrEnum):
    """What to do with a mailing now."""

    READ = "read"
    WAIT = "wait"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True)
class RefreshStep:
    """Until a mailing has this age, its statistics are read once in this interval."""

    until: timedelta
    every: timedelta


PLAN: Sequence[RefreshStep] = (
    RefreshStep(timedelta(hours=24), timedelta(hours=1)),
    RefreshStep(timedelta(days=3), timedelta(hours=3)),
    RefreshStep(timedelta(days=14), timedelta(hours=12)),
    RefreshStep(timedelta(days=42), timedelta(days=1)),
)
"""Responses arrive for days to weeks; most of them in the first hours."""

_EARLY = timedelta(minutes=5)
"""A timer that runs a little early must not skip a whole interval."""


def refresh(begun: datetime, read_on: datetime | None, now: datetime, plan: Sequence[RefreshStep] = PLAN) -> Refresh:
    """Decide for a mailing that began then and was last read at `read_on` (None: never).

    A mailing is read once more after the last step, and then frozen.
    """
    age = now - begun
    for step in plan:
        if age < step.until:
            is_due = read_on is None or now - read_on >= step.every - _EARLY
            return Refresh.READ if is_due else Refresh.WAIT
    last_step_ended = begun + (plan[-1].until if plan else timedelta())
    return Refresh.READ if read_on is None or read_on < last_step_ended else Refresh.FREEZE


def memory_of(plan: Sequence[RefreshStep] = PLAN) -> timedelta:
    """Return the age at which a mailing is frozen."""
    return plan[-1].until if plan else timedelta()
