"""Counts what people with records did with a mailing: first opens and clicks by hour, clicks by link, machines. Pure.

A tally is a sum over people. When the reading of a person changes, the former reading is subtracted and the new one
added. So late events and changed decisions about machines need no corrections.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.domain.engagement.interactions import InteractionKind, Reading

Tally = Mapping[str, int]
"""Numbers by key; a key that is missing is 0. Keys are stored."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_OPENED, _RENDERED, _CLICKED, _BOUNCED, _MACHINE = "opened", "rendered", "clicked", "bounced", "machine"
_FIRST_OPEN, _FIRST_CLICK = "o", "c"
_PEOPLE, _CLICKS, _BY_MACHINE = "p", "n", "m"


@dataclass(frozen=True, slots=True)
class LinkTally:
    """One link: different people who clicked it, their clicks, and people for whom only a machine did."""

    link: str
    people: int
    clicks: int
    machines: int


@dataclass(frozen=True, slots=True)
class HourTally:
    """People who opened or clicked first in the hour that begins `at`."""

    at: datetime
    opened: int
    clicked: int


@dataclass(frozen=True, slots=True)
class PeopleTally:
    """Different people. An open is a loaded image or a click; `machines` are those whose clicks are all suspect."""

    opened: int
    rendered: int
    clicked: int
    bounced: int
    machines: int


def tally_of(reading: Reading) -> Counter[str]:
    """Return what one person adds to the tally of a mailing."""
    found: Counter[str] = Counter()
    opens = [row.first for row in reading.rows if row.kind is InteractionKind.OPENED]
    clicks = [row for row in reading.rows if row.kind is InteractionKind.CLICKED]
    real = [row for row in clicks if row.suspect is None]
    for row in clicks:
        part = row.link.id if row.link else ""
        if row.suspect is None:
            found[_key(_PEOPLE, part)] += 1
            found[_key(_CLICKS, part)] += row.count
        else:
            found[_key(_BY_MACHINE, part)] += 1
    found[_RENDERED] += bool(opens)
    found[_CLICKED] += bool(clicks)
    found[_OPENED] += bool(opens or clicks)
    found[_BOUNCED] += reading.bounce is not None
    found[_MACHINE] += bool(clicks) and not real
    if first_opens := [*opens, *(row.first for row in real)]:
        found[_key(_FIRST_OPEN, str(_hour(min(first_opens))))] += 1
    if real:
        found[_key(_FIRST_CLICK, str(_hour(min(row.first for row in real))))] += 1
    return +found


def change(before: Reading, after: Reading) -> Counter[str]:
    """Return how a person's new reading changes the tally."""
    found = tally_of(after)
    found.subtract(tally_of(before))
    return Counter({key: number for key, number in found.items() if number})


def added(tally: Tally, changes: Tally) -> dict[str, int]:
    """Return a tally with changes."""
    found = Counter(tally)
    found.update(changes)
    return {key: number for key, number in sorted(found.items()) if number}


def people(tally: Tally) -> PeopleTally:
    """Return the numbers of people. Clicks of machines count here as the platform counts them, as clicks."""
    return PeopleTally(*(max(0, tally.get(key, 0)) for key in (_OPENED, _RENDERED, _CLICKED, _BOUNCED, _MACHINE)))


def links(tally: Tally) -> Sequence[LinkTally]:
    """Return the links, the one with most people first."""
    names = {key.partition(":")[2] for key in tally if key.partition(":")[0] in {_PEOPLE, _BY_MACHINE}}
    found = [
        LinkTally(name, *(max(0, tally.get(_key(part, name), 0)) for part in (_PEOPLE, _CLICKS, _BY_MACHINE)))
        for name in names
    ]
    return sorted(found, key=lambda one: (-one.people, -one.machines, one.link))


def hours(tally: Tally) -> Sequence[HourTally]:
    """Return the hours in which somebody opened or clicked first, in order. Machines are left out."""
    found = sorted(
        {int(key.partition(":")[2]) for key in tally if key.partition(":")[0] in {_FIRST_OPEN, _FIRST_CLICK}}
    )
    return [
        HourTally(
            _EPOCH + hour * _HOUR,
            max(0, tally.get(_key(_FIRST_OPEN, str(hour)), 0)),
            max(0, tally.get(_key(_FIRST_CLICK, str(hour)), 0)),
        )
        for hour in found
    ]


def _key(part: str, name: str) -> str:
    return f"{part}:{name}"


def _hour(at: datetime) -> int:
    return (at - _EPOCH) // _HOUR
