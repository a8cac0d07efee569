"""Groups of dead letters by cause: one cure serves a group."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

HOURS = 24


class Letter(Protocol):
    """What a group needs of a dead letter."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def queue(self) -> str:
        """The queue that it came from."""

    @property
    def reason(self) -> str:
        """The code of its cause."""

    @property
    def dead_since(self) -> datetime:
        """When it was given up."""


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters with one cause, oldest first."""

    reason: str
    queue: str
    letters: tuple[Letter, ...]

    @property
    def name(self) -> str:
        """The name in addresses: queue and code."""
        return f"{self.queue}:{self.reason}"

    @property
    def first(self) -> datetime:
        """When the first one was given up."""
        return self.letters[0].dead_since

    @property
    def last(self) -> datetime:
        """When the last one was given up."""
        return self.letters[-1].dead_since

    def by_hour(self, now: datetime) -> list[int]:
        """Return how many were given up in each of the last 24 hours, the oldest hour first."""
        ages = Counter(int((now - one.dead_since) / timedelta(hours=1)) for one in self.letters)
        return [ages[hour] for hour in reversed(range(HOURS))]


def groups_of(letters: Sequence[Letter]) -> list[Group]:
    """Group dead letters by cause, the largest group first."""
    found: defaultdict[tuple[str, str], list[Letter]] = defaultdict(list)
    for letter in letters:
        found[letter.reason, str(letter.queue)].append(letter)
    groups = [
        Group(reason, queue, tuple(sorted(several, key=lambda one: one.dead_since)))
        for (reason, queue), several in found.items()
    ]
    return sorted(groups, key=lambda group: (-len(group.letters), group.name))
