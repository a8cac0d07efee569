"""Events of one person in one mailing: what the platform says happened, as a set.

A set has no order and no repetitions, so events that arrive twice, late or out of order do no harm. The identity of an
event is its kind, its time to the millisecond, and its link: the platform's feed and its lists of a mailing name the
same event differently, and agree on these.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from heapq import nsmallest


class EventKind(StrEnum):
    """What happened to a message, or on a website. The values are stored."""

    SENT = "s"
    OPENED = "o"
    CLICKED = "c"
    BOUNCED = "b"
    UNSUBSCRIBED = "u"
    VISITED = "v"


class BounceType(StrEnum):
    """How a message came back. The values are stored."""

    HARD = "h"
    SOFT = "f"


class Confidence(StrEnum):
    """How sure it is that a person unsubscribed because of this mailing. The values are stored."""

    CLICKED = "clicked"
    """The person clicked on the unsubscribe link of the mailing within a day before."""
    ASSUMED = "assumed"
    """It is the newest mailing that the person received within a month before."""


APPROXIMATE = "~"
"""The detail of a sent event whose time is that of its mailing: the platform does not tell the person's own."""


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One event, at an aware time. `detail`: link id, bounce type, confidence, APPROXIMATE, worth and mark of a visit.

    A click whose link the platform does not tell has no detail.
    """

    at: datetime
    kind: EventKind
    detail: str = ""


MOST = 400
"""How many events of a kind of one person in one mailing are kept: the earliest. Scanners click without end."""


def event(kind: EventKind, at: datetime, detail: str = "") -> Event:
    """Make an event; its time is cut to milliseconds, as the platform gives it. ValueError without a time zone."""
    if at.tzinfo is None:
        raise ValueError("an event needs a time with its zone")
    moment = at.astimezone(UTC)
    return Event(moment - timedelta(microseconds=moment.microsecond % 1000), kind, detail)


def joined(*sets: Iterable[Event]) -> frozenset[Event]:
    """Unite sets of events of one person in one mailing, and keep the earliest.

    The result is the same for every order and grouping of the sets. Better knowledge replaces lesser: a click without a
    link gives way to a click at the same time with one, an approximate time of sending to an exact one.
    """
    united = {one for events in sets for one in events}
    linked = {one.at for one in united if one.kind is EventKind.CLICKED and one.detail}
    is_exact = any(one.kind is EventKind.SENT and one.detail != APPROXIMATE for one in united)
    kept = {one for one in united if not _is_replaced(one, linked, is_exact=is_exact)}
    if len(kept) <= MOST:
        return frozenset(kept)
    return frozenset(one for kind in EventKind for one in nsmallest(MOST, (one for one in kept if one.kind is kind)))


def _is_replaced(one: Event, linked: Container[datetime], *, is_exact: bool) -> bool:
    match one.kind:
        case EventKind.CLICKED:
            return not one.detail and one.at in linked
        case EventKind.SENT:
            return one.detail == APPROXIMATE and is_exact
        case _:
            return False


def of_kind(events: Iterable[Event], kind: EventKind) -> list[Event]:
    """Return the events of a kind, earliest first."""
    return sorted(one for one in events if one.kind is kind)
