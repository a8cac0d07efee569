"""Checks and the audit log: can I trust it, and who did what."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from shared.administration.measures.round_trip import LATE, LONGEST, Trip
from shared.composition import app
from shared.console.access.audit import AuditChoice, AuditLog
from shared.console.csv_file import csv_file
from shared.console.rendering.code_words import ACTS
from shared.console.rendering.plots import WIDTH, columns
from shared.console.rendering.words import Said, said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.domain.values.texts import bounded_id
from shared.inbound.night_results import Night
from shared.telemetry.activity import ECHO, Quarter

_MONTH, _SOON = timedelta(days=30), timedelta(seconds=20)
_DONE, _NOT_DONE = "done", "not-done"
_RESULTS = {_DONE: said("Succeeded"), _NOT_DONE: said("Not done")}
_AGES = {"day": timedelta(days=1), "week": timedelta(days=7), "month": _MONTH}
_FILTERS: Mapping[str, tuple[Said, Mapping[str, Said]]] = {
    "act": (said("Act"), ACTS),
    "result": (said("Result"), _RESULTS),
    "since": (
        said("When"),
        {
            "day": said("In the last 24 hours"),
            "week": said("In the last 7 days"),
            "month": said("In the last 30 days"),
        },
    ),
}
"""The filters of the audit log by the names of their parameters: heading, and words for each code."""

_MOST_TRIPS, _PLOT_HEIGHT, _HOURS = 20, 80, 24


async def checks(visit: Visit) -> Reply:
    """Show the round trip, the nightly comparison of both sides, and how many changes were our own writes."""
    connector = await app.connector()
    administration = await app.administration()
    quarters = await (await app.services()).activity.last_day()
    trips = await administration.round_trip.trips(_MONTH)
    nights = await connector.reconciliation.nights.latest()
    rates = _rates_by_night(nights, visit.now)
    echoes = _echoes_by_hour(quarters, visit.now)
    values = {
        "title": said("Checks"),
        "echoes": sum(echoes),
        "echo_columns": columns(echoes, WIDTH, _PLOT_HEIGHT),
        "walks": await connector.reconciliation.state(),
        "comparison": await connector.comparison.state(),
        "on": connector.settings.reconcile,
        "nights": connector.settings.reconcile_days,
        "measures_trips": administration.round_trip.is_on,
        "trips": trips[-_MOST_TRIPS:],
        "late": sum(1 for trip in trips if trip.seconds is None or trip.seconds > LATE.total_seconds()),
        "trip_count": len(trips),
        "worst": columns(_slowest_by_day(trips, visit.now), WIDTH, _PLOT_HEIGHT),
        "alarm": LATE.total_seconds(),
        "found": nights,
        "rates": columns(rates, WIDTH, _PLOT_HEIGHT),
        "highest": max(rates),
    }
    return Page("pages/checks.html", values)


def _echoes_by_hour(quarters: Sequence[Quarter], now: datetime) -> list[int]:
    """Return how many changes of Spotler were the connector's own, for each of the last 24 hours."""
    hours = {(now - timedelta(hours=back)).isoformat(timespec="hours"): 0 for back in reversed(range(_HOURS))}
    for quarter in quarters:
        hour = quarter.begins.isoformat(timespec="hours")
        if hour in hours:
            hours[hour] += quarter.outcomes.get(f"{ECHO}/{ECHO}", 0)
    return list(hours.values())


def _days(now: datetime) -> list[str]:
    """Return the days of the plots, oldest first."""
    return [(now - timedelta(days=back)).date().isoformat() for back in reversed(range(_MONTH.days))]


def _slowest_by_day(trips: Sequence[Trip], now: datetime) -> list[float]:
    """Return the slowest measurement of each day; one that did not arrive counts as the longest wait."""
    slowest = dict.fromkeys(_days(now), 0.0)
    for trip in trips:
        took = LONGEST.total_seconds() if trip.seconds is None else trip.seconds
        day = trip.at.date().isoformat()
        slowest[day] = max(slowest.get(day, 0.0), took)
    return list(slowest.values())[-_MONTH.days :]


def _rates_by_night(nights: Sequence[Night], now: datetime) -> list[float]:
    """Return the share that differed, for each night; 0 for a night without a comparison."""
    found = {night.day: night.rate or 0.0 for night in nights}
    return [found.get(day, 0.0) for day in _days(now)]


async def measure(visit: Visit) -> Reply:
    """Measure the round trip now, for twenty seconds at most."""
    trip = await (await app.administration()).round_trip.measure(_SOON)
    if trip is None:
        raise RefusedError(HTTPStatus.CONFLICT, said("There is no marked record: set ROUND_TRIP_RECORD."))
    if trip.seconds is None:
        return Redirect(link("checks"), Notice(Tone.WARN, said("The mark has not arrived within twenty seconds.")))
    text, values = said("The mark has arrived after %(span)s."), {"span": visit.locale.span(trip.seconds)}
    return Redirect(link("checks"), Notice(Tone.OK, text, values))


async def audit(visit: Visit) -> Reply:
    """List the acts of users of the console that were chosen, newest first."""
    entries, following = await (await _log()).latest(_choice(visit), after=visit.asked("after"))
    query = {name: visit.asked(name) for name in (*_FILTERS, "user", "subject") if visit.asked(name)}
    values = {
        "title": said("Audit log"),
        "entries": entries,
        "filters": _FILTERS,
        "query": query,
        "next": link("audit", **query, after=following) if following else "",
    }
    return Page("pages/audit.html", values)


def _choice(visit: Visit) -> AuditChoice:
    act, result, since = (visit.asked(name) for name in _FILTERS)
    user, subject = visit.asked("user"), visit.asked("subject")
    codes = (act, ACTS), (result, _RESULTS), (since, _AGES)
    if any(code and code not in known for code, known in codes) or not all(map(_is_id_or_nothing, (user, subject))):
        raise RefusedError(HTTPStatus.BAD_REQUEST, said("Choose one of the filters of this page."))
    is_refused = result == _NOT_DONE if result else None
    return AuditChoice(act, user, subject, visit.now - _AGES[since] if since else None, is_refused)


def _is_id_or_nothing(text: str) -> bool:
    return not text or bool(bounded_id(text))


async def audit_csv(visit: Visit) -> Reply:
    """Return every act that was chosen as CSV."""
    rows = [
        {
            "at": one.at.isoformat(timespec="seconds"),
            "user": one.user,
            "role": one.role,
            "act": one.act,
            "subject": one.subject,
            "result": one.result,
        }
        async for one in (await _log()).every(_choice(visit))
    ]
    return csv_file("audit", ("at", "user", "role", "act", "subject", "result"), rows)


async def _log() -> AuditLog:
    services = await app.services()
    return AuditLog(services.store, services.clock, services.settings.environment)
