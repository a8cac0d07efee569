"""People who open and click over time, scanners that click at once, and mail programs that report late.

The same seed and mailing give the same acts. An act happens when the account's clock reaches its moment; the service
may learn of it later. Acts take place when somebody looks, so that nothing runs in the background.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush
from random import Random

from shared.local.spotler_sandbox.activity.mailings import (
    LINKS,
    UNSUBSCRIBE,
    WEBSITE,
    Bounce,
    Letter,
    Mailing,
    Mailings,
)


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares of recipients who do something, and how long it takes: half of the acts happen within `half`."""

    opens: float = 0.30
    opens_again: float = 0.3
    clicks: float = 0.12
    """Of those who open."""
    clicks_again: float = 0.5
    hard_bounces: float = 0.005
    soft_bounces: float = 0.01
    unsubscribes: float = 0.002
    scanned: float = 0.02
    reported_late: float = 0.05
    half: timedelta = timedelta(hours=6)


class _Act(StrEnum):
    OPEN = "open"
    CLICK = "click"
    HARD_BOUNCE = "hard-bounce"
    SOFT_BOUNCE = "soft-bounce"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(order=True, slots=True)
class _Due:
    """An act that the service learns of at `noted`; `number` keeps the order of acts at the same moment."""

    noted: datetime
    number: int
    act: _Act = field(compare=False)
    letter: Letter = field(compare=False)
    at: datetime = field(compare=False)
    link: int = field(compare=False, default=WEBSITE)


class Crowd:
    """The recipients of mailings, as far as they act by themselves."""

    def __init__(self, mailings: Mailings, now: Callable[[], datetime]) -> None:
        self._mailings = mailings
        self._now = now
        self._due: list[_Due] = []
        self._count = 0
        mailings.settle = self.settle

    def receive(self, mailing: Mailing, habits: Habits, seed: int = 1) -> int:
        """Plan what the recipients of a mailing will do; returns the number of acts."""
        chance, before = Random(f"{seed}-{mailing.encrypted_id}"), self._count
        for letter in self._mailings.letters.values():
            if letter.mailing is mailing:
                self._plan(letter, mailing.sent_at, habits, chance)
        return self._count - before

    def settle(self) -> None:
        """Let all acts take place that are due."""
        now = self._now()
        while self._due and self._due[0].noted <= now:
            due = heappop(self._due)
            self._mailings.noted_at = due.noted
            self._perform(due)
        self._mailings.noted_at = None

    def _plan(self, letter: Letter, sent: datetime, habits: Habits, chance: Random) -> None:
        if chance.random() < habits.scanned:
            second = timedelta(seconds=chance.randint(2, 5))
            for scanned in LINKS:
                self._add(_Act.CLICK, letter, sent + second, habits, chance, link=int(scanned["id"]))
        if chance.random() < habits.hard_bounces:
            self._add(_Act.HARD_BOUNCE, letter, sent + timedelta(seconds=30), habits, chance)
            return
        if chance.random() < habits.soft_bounces:
            self._add(_Act.SOFT_BOUNCE, letter, sent + timedelta(seconds=90), habits, chance)
            return
        if chance.random() >= habits.opens:
            return
        moment = self._later(sent, habits, chance)
        self._add(_Act.OPEN, letter, moment, habits, chance)
        while chance.random() < habits.opens_again:
            self._add(_Act.OPEN, letter, self._later(moment, habits, chance), habits, chance)
        if chance.random() < habits.clicks:
            moment += self._a_while(habits, chance)
            self._add(_Act.CLICK, letter, moment, habits, chance)
            while chance.random() < habits.clicks_again:
                link = chance.choice([int(link["id"]) for link in LINKS if link["id"] != UNSUBSCRIBE])
                moment += self._a_while(habits, chance)
                self._add(_Act.CLICK, letter, moment, habits, chance, link=link)
        if chance.random() < habits.unsubscribes:
            moment += self._a_while(habits, chance)
            self._add(_Act.CLICK, letter, moment, habits, chance, link=UNSUBSCRIBE)
            self._add(_Act.UNSUBSCRIBE, letter, moment + timedelta(seconds=5), habits, chance)

    def _a_while(self, habits: Habits, chance: Random) -> timedelta:
        """Return the time to read on before the next click: some seconds at least, where people take their time."""
        return timedelta(seconds=3 + round(habits.half.total_seconds() * chance.uniform(0.001, 0.01)))

    def _later(self, moment: datetime, habits: Habits, chance: Random) -> datetime:
        return moment + timedelta(seconds=round(chance.expovariate(0.693 / habits.half.total_seconds())) + 1)

    def _add(
        self, act: _Act, letter: Letter, at: datetime, habits: Habits, chance: Random, *, link: int = WEBSITE
    ) -> None:
        is_late = act in {_Act.OPEN, _Act.CLICK} and chance.random() < habits.reported_late
        noted = self._later(at, habits, chance) if is_late else at
        self._count += 1
        heappush(self._due, _Due(noted, self._count, act, letter, at, link))

    def _perform(self, due: _Due) -> None:
        match due.act:
            case _Act.OPEN:
                self._mailings.open(due.letter, due.at)
            case _Act.CLICK:
                self._mailings.click(due.letter, due.link, due.at)
            case _Act.HARD_BOUNCE:
                self._mailings.bounce(due.letter, Bounce.HARD)
            case _Act.SOFT_BOUNCE:
                self._mailings.bounce(due.letter, Bounce.SOFT)
            case _Act.UNSUBSCRIBE:
                self._mailings.opt_out(due.letter.contact)
