"""Previews weights on what is remembered of people, and makes them live: scores are then computed again."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.engagement.interactions import ReadingRules
from shared.domain.engagement.people import PersonMemory, score_of
from shared.domain.engagement.scores import Score, shown
from shared.domain.engagement.weights import PACKAGED_VERSION, packaged_text
from shared.engagement.keeping.memories import Memories
from shared.engagement.mailings.known_mailings import KnownMailings
from shared.engagement.mailings.mailing_book import MailingBook
from shared.engagement.policy import EngagementPolicy
from shared.engagement.upkeep import Upkeep
from shared.engagement.weights.live_weights import LiveWeights
from shared.engagement.weights.versions import WeightsVersion, WeightsVersions
from shared.engine.guards.priority import breathe
from shared.messages.lane_messages import Engage, EngagementTask, Lanes
from shared.ports.clock import Clock
from shared.ports.mailings import Mailings
from shared.ports.queue import QueueName

_PAGE = 500
_BEGINS = (-24, -9, 0, 1, 10, 25)
_RANGES = ("-25 or more", "-10 to -24", "-1 to -9", "0", "+1 to +9", "+10 to +24", "+25 or more")
"""Ranges of changes; each but the first begins at the number of `_BEGINS` before it."""


@dataclass(slots=True)
class WeightsPreview:
    """How scores would move: how many people by how much, for the total and for the recent score."""

    looked_at: int = 0
    moved: int = 0
    is_complete: bool = True
    engagement: Counter[str] = field(default_factory=Counter)
    recent: Counter[str] = field(default_factory=Counter)

    def add(self, before: Score, after: Score) -> None:
        """Count one person."""
        self.looked_at += 1
        self.moved += before != after
        self.engagement[_range(after.engagement - before.engagement)] += 1
        self.recent[_range(after.recent - before.recent)] += 1

    def as_json(self) -> Mapping[str, Any]:
        """Return counts by range of points, from the largest fall to the largest rise."""
        return {
            "lookedAt": self.looked_at,
            "moved": self.moved,
            "isComplete": self.is_complete,
            "engagementScore": {name: self.engagement[name] for name in _RANGES if self.engagement[name]},
            "weightedScore": {name: self.recent[name] for name in _RANGES if self.recent[name]},
        }


def _range(change: int) -> str:
    """Return the name of the range that a change of points is in."""
    return _RANGES[bisect_right(_BEGINS, change)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsChange:
    """Reads, previews and changes the weights of one environment."""

    versions: WeightsVersions
    live: LiveWeights
    memories: Memories
    known: KnownMailings
    platform: Mailings
    upkeep: Upkeep
    policy: EngagementPolicy
    lanes: Lanes
    clock: Clock

    async def text(self) -> tuple[int, str]:
        """Return number and text of the live file."""
        live = await self.versions.live()
        return (live.number, live.text) if live else (PACKAGED_VERSION, packaged_text())

    async def preview(self, text: str, *, most: int | None = None) -> WeightsPreview:
        """Compute the scores of people with the live weights and with a file; of all, or of the first `most`.

        Nothing is written. ValueError names what is wrong with the file.
        """
        await self.live.refresh()
        other = ReadingRules(self.live.chosen(text), self.policy.machines)
        book, found = MailingBook(self.known, self.platform, self.policy), WeightsPreview()
        async for page in self.memories.pages(size=_PAGE):
            if most is not None and found.looked_at >= most:
                found.is_complete = False
                break
            await book.recall({name for stored in page for name in stored.memory.mailings})
            for stored in page:
                found.add(*(self._score(stored.memory, book, rules) for rules in (self.policy.rules, other)))
                await breathe()
        return found

    async def apply(self, text: str, *, by: str, comment: str = "") -> WeightsVersion:
        """Make a file live, and let all scores be computed again. ValueError names what is wrong with the file."""
        self.live.chosen(text)
        version = await self.versions.apply(text, by=by, comment=comment)
        await self.live.refresh()
        await self.upkeep.begin()
        await self.lanes.send(QueueName.BULK, Engage(task=EngagementTask.UPKEEP))
        return version

    def _score(self, memory: PersonMemory, book: MailingBook, rules: ReadingRules) -> Score:
        state = score_of(memory, book.reader_of(memory, rules), rules.weights)
        return shown(state, self.clock.now(), rules.weights)
