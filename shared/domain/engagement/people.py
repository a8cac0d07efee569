"""What the connector remembers of one person: events by mailing, an opt-out, and scores whose events are gone. Pure.

Scores are always computed from the whole memory. So duplicates, late events, changed weights and changed decisions
about machines need no corrections.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from shared.domain.engagement.events import Event, EventKind, joined
from shared.domain.engagement.interactions import Reading
from shared.domain.engagement.scores import Contribution, ScoreState, summed
from shared.domain.engagement.visits import is_same_visit
from shared.domain.engagement.weights import Weights

ReadMailing = Callable[[str, frozenset[Event]], Reading]
"""Reads the events of one mailing."""


@dataclass(frozen=True, slots=True)
class PersonMemory:
    """The memory of one Spotler contact, by ids and times alone.

    `base` is the score of mailings whose events are no longer kept. `opted_out` is when the person last refused all
    mail. `suspect_times` are times of clicks by mailing at which colleagues clicked, too.
    """

    external_id: str
    mailings: Mapping[str, frozenset[Event]] = field(default_factory=dict)
    base: ScoreState = field(default_factory=ScoreState)
    opted_out: datetime | None = None
    suspect_times: Mapping[str, frozenset[datetime]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remember."""
        return not self.mailings and self.base == ScoreState() and self.opted_out is None

    @property
    def visits(self) -> Iterator[Event]:
        """The visits to a website that are kept."""
        return (one for events in self.mailings.values() for one in events if one.kind is EventKind.VISITED)

    def with_events(self, mailing: str, events: Iterable[Event]) -> "PersonMemory":
        """Add events of a mailing; the same memory if it has them all."""
        known = self.mailings.get(mailing, frozenset())
        united = joined(known, events)
        return self if united == known else replace(self, mailings={**self.mailings, mailing: united})

    def with_visit(self, month: str, visit: Event) -> "PersonMemory":
        """Add a visit to a website, or replace what was reported of it before."""
        others = {one for one in self.mailings.get(month, frozenset()) if not is_same_visit(one, visit)}
        united = joined(others, [visit])
        return self if united == self.mailings.get(month) else replace(self, mailings={**self.mailings, month: united})

    def with_opt_out(self, at: datetime) -> "PersonMemory":
        """Note a refusal of all mail; the latest counts."""
        return self if self.opted_out is not None and self.opted_out >= at else replace(self, opted_out=at)

    def with_suspect_times(self, mailing: str, times: Iterable[datetime]) -> "PersonMemory":
        """Note times at which colleagues clicked, too."""
        known = self.suspect_times.get(mailing, frozenset())
        united = known | frozenset(times)
        if united == known:
            return self
        return replace(self, suspect_times={**self.suspect_times, mailing: united})

    def without(self, gone: Iterable[str], read: ReadMailing, weights: Weights) -> "PersonMemory":
        """Forget the events of mailings, and keep what they added to the score."""
        dropped = [mailing for mailing in gone if mailing in self.mailings]
        if not dropped:
            return self
        past = chain.from_iterable(read(mailing, self.mailings[mailing]).contributions for mailing in dropped)
        added = _after_opt_out(past, self.opted_out, weights)
        return replace(
            self,
            mailings={name: events for name, events in self.mailings.items() if name not in dropped},
            suspect_times={name: times for name, times in self.suspect_times.items() if name not in dropped},
            base=self.base.joined(added, weights.half_life),
        )

    def joined(self, other: "PersonMemory", weights: Weights) -> "PersonMemory":
        """Take over the memory of a record that was merged into this one."""
        memory = replace(self, base=self.base.joined(other.base, weights.half_life))
        for mailing, events in other.mailings.items():
            memory = memory.with_events(mailing, events)
        for mailing, times in other.suspect_times.items():
            memory = memory.with_suspect_times(mailing, times)
        return memory if other.opted_out is None else memory.with_opt_out(other.opted_out)


def score_of(memory: PersonMemory, read: ReadMailing, weights: Weights) -> ScoreState:
    """Compute the score from all that is remembered. An opt-out costs points, and ends what was recent before it."""
    contributions = chain.from_iterable(read(name, events).contributions for name, events in memory.mailings.items())
    state = _after_opt_out(contributions, memory.opted_out, weights)
    base = memory.base if memory.opted_out is None else memory.base.without_recent(memory.opted_out)
    state = base.joined(state, weights.half_life)
    return state if memory.opted_out is None else ScoreState(state.total + weights.opt_out, state.recent, state.at)


def _after_opt_out(contributions: Iterable[Contribution], opted_out: datetime | None, weights: Weights) -> ScoreState:
    """Add contributions up; those before an opt-out count for the total alone."""
    every = sorted(contributions)
    fresh = [one for one in every if opted_out is None or one.at > opted_out]
    recent = summed(fresh, weights.half_life)
    at = recent.at or (every[-1].at if every else None)
    return ScoreState(sum(one.points for one in every), recent.recent, at)
