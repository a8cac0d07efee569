"""Overview: is it well, what must somebody do, how fresh, how fast, how do people stand (C-07)."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.administration.mode import rested
from shared.administration.people.standing import Standing, Stood
from shared.composition import app
from shared.console.assessment import LATE, Assessment, assess
from shared.console.pending import held_kinds, letter_groups
from shared.console.reasons import TONES, Kind, kind_of, text_of
from shared.console.rendering.plots import apart, lateness, log_curve, log_grid, sparkline, stacked
from shared.console.rendering.words import Said, said
from shared.console.web import Page, Reply, Tone, Visit, link
from shared.domain.planning.binding import MassChange
from shared.ports.queue import QueueDepth, QueueName
from shared.telemetry.activity import DAY_OF_QUARTERS, ECHO, QUARTER, Quarter, percentile

HELD_TEXTS: Mapping[MassChange, Said] = {
    MassChange.ERASURE: said("%(count)s erasures are held"),
    MassChange.UNSUBSCRIPTION: said("%(count)s withdrawals of permissions are held"),
    MassChange.BLANKING: said("%(count)s people whose values would be emptied are held"),
    MassChange.LIST_REMOVAL: said("%(count)s lists that would lose very many members are held"),
}

_STANDINGS: Mapping[Standing, tuple[Said, str, Said]] = {
    Standing.IN_SPOTLER: (said("In Spotler"), "f5", said("both sides agree")),
    Standing.LEFT_OUT: (said("Left out on purpose"), "f4", said("each with its reason")),
    Standing.WAITING: (said("Waiting"), "f1", said("goes on by itself")),
    Standing.TO_DECIDE: (said("To decide"), "f2", said("until somebody decides, all stays as it is")),
    Standing.FAILED: (said("Failed"), "fbad", said("somebody must correct them")),
}


DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that a person must do: text, numbers for it, since when, who, and where."""

    tone: Tone
    text: Said
    values: Mapping[str, int | str]
    since: datetime | None
    who: Said
    to: str
    button: Said


async def overview(visit: Visit) -> Reply:
    """Show the whole page; only the connections are asked for afterwards."""
    return Page("pages/overview.html", {"title": said("Overview"), **await _values(visit)})


async def renewed(visit: Visit) -> Reply:
    """Show the figures again, for a page that stays open."""
    return Page("parts/overview.html", await _values(visit), is_fragment=True)


async def connections(visit: Visit) -> Reply:
    """Ask every service whether it answers."""
    report = await (await app.administration()).health.check()
    return Page("parts/connections.html", {"services": report["services"], "at": visit.now}, is_fragment=True)


async def _values(visit: Visit) -> dict[str, Any]:
    administration, connector, services = await app.administration(), await app.connector(), await app.services()
    circuits, poll, depths, quarters, stood, matters = await asyncio.gather(
        connector.circuits.state(),
        _poll_state(),
        _depths(),
        services.activity.last_day(),
        administration.standings.counted(),
        _matters(),
    )
    matters = by_gravity([*matters, *_matters_of(stood)])
    trips = await administration.round_trip.trips(DAY)
    assessment: Assessment = assess(circuits, poll, depths, visit.now, is_on=services.settings.sync_enabled)
    latencies: Counter[int] = Counter()
    for quarter in quarters:
        latencies.update(quarter.latencies)
    median, most = percentile(latencies, 0.5), percentile(latencies, 0.95)
    by_quarter = {quarter.begins: quarter for quarter in quarters}
    axis = _axis(visit.now)
    return {
        "assessment": assessment,
        "matters": matters,
        "median": median,
        "most": most,
        "until": _moment(poll["until"]),
        "depths": depths,
        "trips": trips,
        "measures_trips": administration.round_trip.is_on,
        "trip_spark": sparkline([trip.seconds for trip in trips]),
        "waiting_now": sum(depth.active for depth in depths.values()),
        "scheduled": sum(depth.scheduled for depth in depths.values()),
        "lateness": lateness([_behind(by_quarter, moment) for moment in axis], LATE.total_seconds()),
        "most_behind": max((quarter.behind for quarter in quarters if quarter.behind is not None), default=None),
        "spark": sparkline([_at(by_quarter, moment, 0.5) for moment in axis]),
        "curves": apart(
            [
                log_curve(name, [_at(by_quarter, moment, share) for moment in axis])
                for name, share in (("99 %", 0.99), ("95 %", 0.95), ("50 %", 0.5))
            ]
        ),
        "grid": log_grid(),
        "axis": axis,
        "by_quarter": by_quarter,
        "percentile": percentile,
        "stood": stood,
        "standings": _standings(stood),
        "shares": stacked([(count, tone) for _, _, tone, _, count in _standings(stood)]),
        "happened": _happened(quarters),
    }


def _axis(now: datetime) -> list[datetime]:
    last = now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)
    return [last - QUARTER * back for back in reversed(range(DAY_OF_QUARTERS))]


def _at(quarters: Mapping[datetime, Quarter], moment: datetime, share: float) -> float | None:
    found = quarters.get(moment)
    return percentile(found.latencies, share) if found else None


def _behind(quarters: Mapping[datetime, Quarter], moment: datetime) -> float | None:
    found = quarters.get(moment)
    return found.behind if found else None


def _standings(stood: Stood | None) -> list[tuple[Standing, Said, str, Said, int]]:
    return [
        (standing, name, tone, note, stood.of(standing) if stood else 0)
        for standing, (name, tone, note) in _STANDINGS.items()
    ]


def _happened(quarters: Sequence[Quarter]) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    for quarter in quarters:
        outcomes.update(quarter.outcomes)
    kinds: dict[Kind, Counter[str]] = {kind: Counter() for kind in Kind}
    for name, count in outcomes.items():
        result, _, reason = name.partition("/")
        if result == ECHO:
            continue
        kinds[kind_of(result, reason)][reason] += count
    return {
        "total": sum(reasons.total() for reasons in kinds.values()),
        "most": max((count for reasons in kinds.values() for count in reasons.values()), default=0),
        "kinds": [
            (kind, TONES[kind], reasons.total(), [(one, text_of(one), count) for one, count in reasons.most_common(6)])
            for kind, reasons in kinds.items()
            if reasons
        ],
    }


async def _poll_state() -> dict[str, Any]:
    state = await (await app.connector()).poll.state()
    return rested(state) if await app.is_shadow() else state


async def _depths() -> dict[QueueName, QueueDepth]:
    queue = await app.queue()
    found = await asyncio.gather(*(queue.depth(name) for name in QueueName))
    return dict(zip(QueueName, found, strict=True))


async def _matters() -> list[Matter]:
    """Return what a person must do about messages, holds, reviews and the mapping."""
    connector, administration = await app.connector(), await app.administration()
    found: list[Matter] = []
    if await held_kinds():
        for kind, state in (await connector.brake.state()).items():
            if state["held"]:
                text, since = HELD_TEXTS[MassChange(kind)], _moment(state["heldSince"])
                values = {"count": state["held"]}
                decide = link("decisions")
                found.append(Matter(Tone.WARN, text, values, since, said("Administrator"), decide, said("Decide")))
    groups = await letter_groups()
    if groups:
        values = {"count": sum(len(group.letters) for group in groups), "groups": len(groups)}
        text = said("Given up: %(count)s messages, in groups: %(groups)s")
        since = min(group.first for group in groups)
        see = said("See problems")
        found.append(Matter(Tone.BAD, text, values, since, said("Operator"), link("problems"), see))
    if reviews := (await connector.reviews.page(limit=200)).reviews:
        text, since = (
            said("New subscribers to decide about: %(count)s"),
            datetime.fromisoformat(min(one.since for one in reviews)),
        )
        values = {"count": len(reviews)}
        decide = link("decisions")
        found.append(Matter(Tone.WARN, text, values, since, said("Administrator"), decide, said("Decide")))
    report = await administration.drift.last()
    if report is not None and report.findings:
        text, open_ = said("Findings about the mapping: %(count)s"), said("Open mapping")
        values = {"count": len(report.findings)}
        to = link("mapping", "drift")
        found.append(Matter(Tone.WARN, text, values, report.at, said("Administrator"), to, open_))
    return found


def _matters_of(stood: Stood | None) -> list[Matter]:
    """Return what a person must do about people, as they were counted last."""
    found: list[Matter] = []
    if stood and stood.asked:
        text = said("Fields that both sides changed, of people: %(count)s")
        to, who = link("decisions"), said("Administrator")
        found.append(Matter(Tone.WARN, text, {"count": stood.asked}, None, who, to, said("Decide")))
    if stood and (failed := stood.of(Standing.FAILED)):
        text = said("People who are not passed on until their data is corrected: %(count)s")
        to, who = link("people", standing=Standing.FAILED), said("The owner of the record")
        found.append(Matter(Tone.WARN, text, {"count": failed}, None, who, to, said("See who")))
    return found


def by_gravity(matters: Sequence[Matter]) -> list[Matter]:
    """Return the gravest first, then the oldest; those without a time last."""
    return sorted(matters, key=lambda one: (one.tone is not Tone.BAD, one.since.timestamp() if one.since else math.inf))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
