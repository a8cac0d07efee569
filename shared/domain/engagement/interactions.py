"""What the set of events of one person in one mailing means: rows, points, and marks of an activity. Pure.

A row stands for a person, a mailing, a kind and a link; repetitions raise its count. Its id follows from these, so that
writing it again never makes a second row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from shared.domain.engagement.events import BounceType, Confidence, Event, EventKind, of_kind
from shared.domain.engagement.machines import DEFAULT_RULES, MachineRules, SuspectReason, suspects
from shared.domain.engagement.mailings import Link, MailingKind, MailingOrigin
from shared.domain.engagement.scores import Contribution
from shared.domain.engagement.visits import visit_points
from shared.domain.engagement.weights import Weights

_IDS = UUID("6f0d5c1e-2a47-4c5e-9a3b-7c1d0f5b8e21")
"""Namespace of the namespaces of environments."""


class InteractionKind(StrEnum):
    """Kinds of Marketing Interaction rows that mailings make (INT-01)."""

    SENT = "sent"
    OPENED = "opened"
    CLICKED = "clicked"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    CONVERSION = "conversion"
    SMS_SENT = "sms-sent"
    AUTOMATION_MAIL = "automation-mail"
    WEBSITE_VISIT = "website-visit"


@dataclass(frozen=True, slots=True)
class Interaction:
    """A Marketing Interaction row without its person and mailing.

    `first` and `last` are the times of the earliest and latest event, `count` the number of events. `suspect` is set if
    all its events look like those of a machine. `points` is what it adds to the score.
    """

    kind: InteractionKind
    first: datetime
    last: datetime
    count: int
    link: Link | None = None
    bounce: BounceType | None = None
    confidence: Confidence | None = None
    suspect: SuspectReason | None = None
    points: int = 0

    @property
    def part(self) -> str:
        """What tells this row from the others of the same person and mailing."""
        return f"{self.kind}|{self.link.id if self.link else ''}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one person did with one mailing: rows, contributions to the score, and marks (ACT-06, ACT-07).

    `is_opened` means a loaded image or a click of a person, `is_clicked` a click of a person.
    """

    rows: Sequence[Interaction] = ()
    contributions: Sequence[Contribution] = ()
    is_opened: bool = False
    is_clicked: bool = False
    bounce: BounceType | None = None


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """How events are read: the weights of points, and the rules that find machines."""

    weights: Weights
    machines: MachineRules = field(default=DEFAULT_RULES)


def interaction_id(environment: str, mailing: str, external_id: str, part: str) -> UUID:
    """Return the id of a row: the same for every repetition, another one in every environment."""
    return uuid5(uuid5(_IDS, environment), f"{mailing}|{external_id}|{part}")


def campaign_id(environment: str, mailing: str) -> UUID:
    """Return the id of the Campaign row of a mailing."""
    return uuid5(uuid5(_IDS, environment), f"campaign|{mailing}")


def read_events(
    events: Iterable[Event],
    links: Mapping[str, Link],
    rules: ReadingRules,
    *,
    kind: MailingKind = MailingKind.EMAIL,
    origin: MailingOrigin = MailingOrigin.BULK,
    colleagues: Iterable[datetime] = (),
) -> Reading:
    """Read the events of one person in one mailing. The result depends on the set alone, not on any order."""
    known = frozenset(events)
    machine = suspects(known, links, colleagues=colleagues, rules=rules.machines)
    earned = _earned(known, machine.keys(), links, rules.weights)
    rows = [
        *_rows_of(_sent_kind(kind, origin), of_kind(known, EventKind.SENT), earned),
        *_rows_of(InteractionKind.OPENED, of_kind(known, EventKind.OPENED), earned),
        *_click_rows(known, machine, links, earned),
        *_bounce_rows(known),
        *_unsubscribe_rows(known, earned),
    ]
    clicks = [one for one in of_kind(known, EventKind.CLICKED) if one not in machine]
    return Reading(
        rows=rows,
        contributions=sorted(Contribution(at, points) for (_, at), points in earned.items() if points),
        is_opened=bool(clicks) or any(one.kind is EventKind.OPENED for one in known),
        is_clicked=bool(clicks),
        bounce=_worst_bounce(known),
    )


def _sent_kind(kind: MailingKind, origin: MailingOrigin) -> InteractionKind:
    match kind, origin:
        case MailingKind.SMS, _:
            return InteractionKind.SMS_SENT
        case _, MailingOrigin.AUTOMATION:
            return InteractionKind.AUTOMATION_MAIL
        case _:
            return InteractionKind.SENT


_Earned = Mapping[tuple[str, datetime], int]
"""Points by the part of the row and the time of the event that earned them."""


def _earned(
    events: Iterable[Event], machine: Iterable[Event], links: Mapping[str, Link], weights: Weights
) -> dict[tuple[str, datetime], int]:
    """Return the points of the earliest open, of the earliest clicks on different links, and of the first conversion.

    Each counts at its own time, once per mailing; what a machine did counts nothing.
    """
    real = frozenset(events) - frozenset(machine)
    earned: dict[tuple[str, datetime], int] = {}
    for opened in of_kind(real, EventKind.OPENED)[:1]:
        earned[f"{InteractionKind.OPENED}|", opened.at] = weights.opened
    first_clicks: dict[str, Event] = {}
    for click in of_kind(real, EventKind.CLICKED):
        if links.get(click.detail, _UNKNOWN).earns_points:
            first_clicks.setdefault(click.detail, click)
    for click in list(first_clicks.values())[: weights.links]:
        earned[f"{InteractionKind.CLICKED}|{click.detail}", click.at] = weights.clicked
    conversions = [one for one in first_clicks.values() if links.get(one.detail, _UNKNOWN).is_conversion]
    for conversion in conversions[:1]:
        earned[f"{InteractionKind.CONVERSION}|{conversion.detail}", conversion.at] = weights.conversion
    for visit in of_kind(real, EventKind.VISITED):
        earned[f"{InteractionKind.WEBSITE_VISIT}|{visit.detail}", visit.at] = visit_points(visit, weights)
    for end in of_kind(real, EventKind.UNSUBSCRIBED)[:1]:
        earned[f"{InteractionKind.UNSUBSCRIBED}|", end.at] = weights.unsubscribed
    return earned


_UNKNOWN = Link("")


def _rows_of(kind: InteractionKind, events: Sequence[Event], earned: _Earned) -> list[Interaction]:
    if not events:
        return []
    return [Interaction(kind, events[0].at, events[-1].at, len(events), points=_points(f"{kind}|", events, earned))]


def _click_rows(
    events: Iterable[Event], machine: Mapping[Event, SuspectReason], links: Mapping[str, Link], earned: _Earned
) -> list[Interaction]:
    by_link: dict[str, list[Event]] = {}
    for click in of_kind(events, EventKind.CLICKED):
        by_link.setdefault(click.detail, []).append(click)
    rows: list[Interaction] = []
    for identifier, clicks in by_link.items():
        link = links.get(identifier, Link(identifier))
        is_machine = all(click in machine for click in clicks)
        kinds = [InteractionKind.CLICKED, *([InteractionKind.CONVERSION] if link.is_conversion else [])]
        rows += [
            Interaction(
                kind,
                clicks[0].at,
                clicks[-1].at,
                len(clicks),
                link=link,
                suspect=machine[clicks[0]] if is_machine else None,
                points=_points(f"{kind}|{identifier}", clicks, earned),
            )
            for kind in kinds
        ]
    return rows


def _bounce_rows(events: Iterable[Event]) -> list[Interaction]:
    bounces = of_kind(events, EventKind.BOUNCED)
    if not bounces:
        return []
    bounce = _worst_bounce(bounces)
    return [Interaction(InteractionKind.BOUNCED, bounces[0].at, bounces[-1].at, len(bounces), bounce=bounce)]


def _unsubscribe_rows(events: Iterable[Event], earned: _Earned) -> list[Interaction]:
    ends = of_kind(events, EventKind.UNSUBSCRIBED)
    if not ends:
        return []
    is_sure = any(one.detail == Confidence.CLICKED for one in ends)
    return [
        Interaction(
            InteractionKind.UNSUBSCRIBED,
            ends[0].at,
            ends[-1].at,
            len(ends),
            confidence=Confidence.CLICKED if is_sure else Confidence.ASSUMED,
            points=_points(f"{InteractionKind.UNSUBSCRIBED}|", ends, earned),
        )
    ]


def _worst_bounce(events: Iterable[Event]) -> BounceType | None:
    """Return HARD if any bounce is a hard one: a soft bounce may be followed by it."""
    kinds = {one.detail for one in events if one.kind is EventKind.BOUNCED}
    if not kinds:
        return None
    return BounceType.HARD if BounceType.HARD in kinds else BounceType.SOFT


def _points(part: str, events: Iterable[Event], earned: _Earned) -> int:
    return sum(earned.get((part, at), 0) for at in {one.at for one in events})
