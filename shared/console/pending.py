"""What waits for a person: groups of dead letters, decisions, runs under way. Kept for some seconds in this process."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.composition import app
from shared.console.web import Tone
from shared.dispatch.runs import RunState
from shared.domain.recovery.groups import Group, groups_of
from shared.errors import ConnectorError
from shared.ports.queue import DeadLetter

_LIFETIME = 5.0
_TIMEOUT = 2.0
MOST_LETTERS = 1_000


@dataclass(frozen=True, slots=True)
class Badge:
    """A number beside an entry of the menu."""

    count: int
    tone: Tone


@dataclass(slots=True)
class _Kept:
    badges: Mapping[str, Badge]
    at: float


_kept = _Kept({}, -_LIFETIME)


async def badges() -> Mapping[str, Badge]:
    """Return the numbers beside the menu; the former ones while they cannot be read."""
    if time.monotonic() - _kept.at >= _LIFETIME:
        try:
            async with asyncio.timeout(_TIMEOUT):
                _kept.badges = await _read()
        except (ConnectorError, TimeoutError):
            pass
        _kept.at = time.monotonic()
    return _kept.badges


def look_again() -> None:
    """Count anew at the next page: an act has changed something."""
    _kept.at = -_LIFETIME


async def dead_letters() -> Sequence[DeadLetter]:
    """Return the oldest dead letters, a thousand at most."""
    return await (await app.queue()).dead_letters(limit=MOST_LETTERS)


async def letter_groups() -> list[Group]:
    """Return the dead letters by cause."""
    return groups_of(await dead_letters())


async def held_kinds() -> int:
    """Return how many kinds of mass changes are held."""
    state = await (await app.connector()).brake.state()
    return sum(1 for one in state.values() if one["held"])


async def _read() -> Mapping[str, Badge]:
    groups, held = await letter_groups(), await held_kinds()
    connector = await app.connector()
    reviews = len((await connector.reviews.page(limit=200)).reviews)
    stood = await (await app.administration()).standings.counted()
    asked = stood.asked if stood else 0
    running = sum(1 for run in await connector.runs.runs.latest(10) if run.state is RunState.RUNNING)
    found = {
        "problems": Badge(len(groups), Tone.BAD),
        "decisions": Badge(held + reviews + asked, Tone.WARN),
        "runs": Badge(running, Tone.INFO),
    }
    return {page: badge for page, badge in found.items() if badge.count}
