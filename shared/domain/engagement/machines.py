"""Recognises clicks of machines by time and link: the platform tells neither agent nor address.

Scanners of mail servers follow links before a person sees the mail. Their clicks are stored and shown greyed, and earn
nothing. A decision may change when more events arrive, because it follows from the whole set. The counts of a Campaign
row remain the platform's.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from shared.domain.engagement.events import APPROXIMATE, Event, EventKind, of_kind
from shared.domain.engagement.mailings import Link


class SuspectReason(StrEnum):
    """Why a click is taken for one of a machine; in the order in which reasons are named."""

    HONEYPOT = "honeypot"
    AT_ONCE = "several links at once"
    ALL_LINKS = "nearly all links within a minute"
    AFTER_SENDING = "within seconds after sending"
    COLLEAGUES = "several recipients of one domain at once"


@dataclass(frozen=True, slots=True)
class MachineRules:
    """The limits of the rules. `at_once` is the setting SUSPECT_SECONDS."""

    at_once: timedelta = timedelta(seconds=2)
    all_links_within: timedelta = timedelta(seconds=60)
    all_links_share: float = 0.8
    all_links_least: int = 4
    after_sending: timedelta = timedelta(seconds=10)
    colleagues_within: timedelta = timedelta(seconds=5)
    colleagues_least: int = 3


DEFAULT_RULES = MachineRules()

TimedClick = tuple[datetime, str]
"""The time of a click, and the external id of the person who clicked."""


def suspects(
    events: Iterable[Event],
    links: Mapping[str, Link],
    *,
    colleagues: Iterable[datetime] = (),
    rules: MachineRules = DEFAULT_RULES,
) -> Mapping[Event, SuspectReason]:
    """Return the suspect clicks of one person in one mailing, each with its first reason.

    `links` are the links of the mailing by id. `colleagues` are times of clicks that `clicks_of_colleagues` found. A
    sent event must be the person's own: the schedule of a mailing proves nothing.
    """
    known = set(events)
    clicks = of_kind(known, EventKind.CLICKED)
    crowd = frozenset(colleagues)
    sent = min((one.at for one in known if one.kind is EventKind.SENT and one.detail != APPROXIMATE), default=None)
    at_once = _within(clicks, rules.at_once, least=2)
    enough = max(rules.all_links_least, ceil(rules.all_links_share * len(links)))
    all_links = _within(clicks, rules.all_links_within, least=enough) if len(links) >= rules.all_links_least else set()
    found: dict[Event, SuspectReason] = {}
    for click in clicks:
        link = links.get(click.detail)
        if link is not None and link.is_honeypot:
            found[click] = SuspectReason.HONEYPOT
        elif click in at_once:
            found[click] = SuspectReason.AT_ONCE
        elif click in all_links:
            found[click] = SuspectReason.ALL_LINKS
        elif sent is not None and timedelta() <= click.at - sent <= rules.after_sending:
            found[click] = SuspectReason.AFTER_SENDING
        elif click.at in crowd:
            found[click] = SuspectReason.COLLEAGUES
    return found


def clicks_of_colleagues(
    clicks: Iterable[TimedClick], rules: MachineRules = DEFAULT_RULES
) -> Mapping[str, frozenset[datetime]]:
    """Return suspect times by person, from the clicks of one domain in one mailing. More clicks never clear one.

    The domain must belong to one company: people of a free mail service have nothing in common.
    """
    ordered = sorted(set(clicks))
    found: defaultdict[str, set[datetime]] = defaultdict(set)
    start = 0
    people: Counter[str] = Counter()
    for end, (at, person) in enumerate(ordered):
        people[person] += 1
        while at - ordered[start][0] > rules.colleagues_within:
            gone = ordered[start][1]
            people[gone] -= 1
            if not people[gone]:
                del people[gone]
            start += 1
        if len(people) >= rules.colleagues_least:
            for moment, one in ordered[start : end + 1]:
                found[one].add(moment)
    return {person: frozenset(moments) for person, moments in found.items()}


def deciding_clicks(clicks: Iterable[TimedClick], rules: MachineRules = DEFAULT_RULES) -> frozenset[TimedClick]:
    """Return the clicks of one domain in one mailing that decide about clicks which become known later.

    Where three people click within a second all of them are suspect. A span of five seconds that has a part of that
    second has its begin or its end. So the clicks up to the third person from either side stand for the others.
    """
    by_second: defaultdict[datetime, list[TimedClick]] = defaultdict(list)
    for click in sorted(set(clicks)):
        by_second[click[0].replace(microsecond=0)].append(click)
    return frozenset(
        click
        for second in by_second.values()
        for click in (*_up_to(second, rules.colleagues_least), *_up_to(second[::-1], rules.colleagues_least))
    )


def _up_to(clicks: Sequence[TimedClick], people: int) -> Iterator[TimedClick]:
    """Yield clicks until so many different people have clicked."""
    met: set[str] = set()
    for click in clicks:
        yield click
        met.add(click[1])
        if len(met) == people:
            return


def _within(clicks: Sequence[Event], span: timedelta, *, least: int) -> set[Event]:
    """Return the clicks in any span of time with at least so many different links; `clicks` are in order of time."""
    found: set[Event] = set()
    start, marked = 0, 0
    inside: Counter[str] = Counter()
    for end, click in enumerate(clicks):
        inside[click.detail] += 1
        while click.at - clicks[start].at > span:
            gone = clicks[start].detail
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            start += 1
        if len(inside) >= least:
            found.update(clicks[max(start, marked) : end + 1])
            marked = end + 1
    return found
