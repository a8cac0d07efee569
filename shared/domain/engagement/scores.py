"""Engagement scores of a person (ENG-01..ENG-03): a total that never decays, and a recent one with a half-life.

    total     E    = Σ p
    recent    R(t) = Σ p · 2^((tᵢ - t)/H)

The state is the pair (R, t0) beside E. A contribution that is older than t0 is aged on its way in, so the order of
arrival does not matter. Values are cut to 0 only where they are read: cut state would depend on the order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.engagement.weights import Weights


@dataclass(frozen=True, slots=True, order=True)
class Contribution:
    """Points that one event earned, at its time."""

    at: datetime
    points: int


@dataclass(frozen=True, slots=True)
class ScoreState:
    """The sum of contributions: `total` points, and `recent` ones as of `at` (None: no contribution yet)."""

    total: int = 0
    recent: float = 0.0
    at: datetime | None = None

    def plus(self, contribution: Contribution, half_life: timedelta) -> "ScoreState":
        """Add a contribution of any time."""
        return self.joined(ScoreState(contribution.points, float(contribution.points), contribution.at), half_life)

    def joined(self, other: "ScoreState", half_life: timedelta) -> "ScoreState":
        """Add the score of another person: both become one (merge of records)."""
        if self.at is None or other.at is None:
            known = self if other.at is None else other
            return ScoreState(self.total + other.total, known.recent, known.at)
        at = max(self.at, other.at)
        recent = self.recent_at(at, half_life) + other.recent_at(at, half_life)
        return ScoreState(self.total + other.total, recent, at)

    def without_recent(self, until: datetime) -> "ScoreState":
        """Forget recent points that were earned before an opt-out at `until`."""
        return self if self.at is None or self.at > until else ScoreState(self.total, 0.0, self.at)

    def recent_at(self, moment: datetime, half_life: timedelta) -> float:
        """Return the recent points at a moment, unrounded; may be negative."""
        return 0.0 if self.at is None else self.recent * factor(moment - self.at, half_life)


@dataclass(frozen=True, slots=True)
class Score:
    """What the columns of a record show: whole numbers of at least 0."""

    engagement: int = 0
    recent: int = 0


def summed(contributions: Iterable[Contribution], half_life: timedelta) -> ScoreState:
    """Add contributions up."""
    state = ScoreState()
    for one in contributions:
        state = state.plus(one, half_life)
    return state


def shown(state: ScoreState, now: datetime, weights: Weights) -> Score:
    """Return what the columns show now."""
    return Score(max(0, state.total), max(0, round(state.recent_at(now, weights.half_life))))


def factor(age: timedelta, half_life: timedelta) -> float:
    """Return the share of points that is left after `age`; above 1 for a negative age."""
    return float(2.0 ** (-(age / half_life)))
