"""Finds the mailing that made a person unsubscribe; the platform tells only how many did (1.6 of BULK-18).

A permission that fell, or a contact that became inactive, is attributed to the mailing whose unsubscribe link the
person clicked within a day before; else, as an assumption, to the newest mailing that the person received within a
month before; else to none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.engagement.events import Confidence, Event, EventKind
from shared.domain.engagement.mailings import Link

_CLICKED_WITHIN = timedelta(hours=24)
_RECEIVED_WITHIN = timedelta(days=30)
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Attribution:
    """The mailing that an unsubscribe is attributed to, and how sure that is."""

    mailing: str
    confidence: Confidence


def attribution(
    at: datetime, mailings: Mapping[str, Iterable[Event]], links: Mapping[str, Mapping[str, Link]]
) -> Attribution | None:
    """Attribute an unsubscribe that was noticed at a moment; None if no mailing suits.

    `mailings` are the person's events by mailing, `links` the links of each mailing by id.
    """
    clicked: list[tuple[datetime, str]] = []
    received: list[tuple[datetime, str]] = []
    for mailing, events in mailings.items():
        known = links.get(mailing, {})
        for one in events:
            age = at - one.at
            if age < -_CLOCKS_DIFFER:
                continue
            link = known.get(one.detail) if one.kind is EventKind.CLICKED else None
            if link is not None and link.is_unsubscribe and age <= _CLICKED_WITHIN:
                clicked.append((one.at, mailing))
            if age <= _RECEIVED_WITHIN and one.kind is not EventKind.BOUNCED:
                received.append((one.at, mailing))
    if clicked:
        return Attribution(max(clicked)[1], Confidence.CLICKED)
    return Attribution(max(received)[1], Confidence.ASSUMED) if received else None
