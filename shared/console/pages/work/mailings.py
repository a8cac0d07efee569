"""Mailings: how did each go, when did people react, which links did they click (P-19)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from shared.composition import app
from shared.console.csv_file import csv_file
from shared.console.rendering.growth import Growth, growth
from shared.console.rendering.words import Said, said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.domain.engagement.mailings import Link
from shared.domain.engagement.statistics import MailingCounts, MailingFigures, figures
from shared.domain.engagement.tallies import Tally, hours, links, people
from shared.engagement.mailings.figures_report import FIGURE_COLUMNS, figure_rows
from shared.engagement.mailings.known_mailings import KnownMailing

_OFF = said("Mailings are not read: ENGAGEMENT or SYNC_ENABLED is false.")
_MOST = 100
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)

_OVER_TIME = ("mailing", "hour", "firstOpens", "firstClicks", "openedSoFar", "clickedSoFar")
_LINKS = ("mailing", "link", "name", "url", "type", "people", "clicks", "peopleByMachineAlone")


@dataclass(frozen=True, slots=True)
class Stage:
    """A bar of the funnel: people, and what they are a share of."""

    name: Said
    count: int | None
    of: int | None
    base: Said


async def mailings(visit: Visit) -> Reply:
    """List the latest mailings with their counts, and rates with their base."""
    del visit
    engagement = (await app.connector()).engagement
    known = [one async for one in engagement.known.all()]
    known.sort(key=lambda one: one.begun or _LONG_AGO, reverse=True)
    values = {
        "title": said("Mailings"),
        "on": engagement.policy.is_on,
        "rows": [(one, figures(one.counts or MailingCounts(sent=one.sent))) for one in known[:_MOST]],
        "count": len(known),
    }
    return Page("pages/mailings.html", values)


async def one_mailing(visit: Visit) -> Reply:
    """Show one mailing: the funnel, opens and clicks over time, links by clicks, what came back."""
    mailing, tally = await _mailing(visit)
    counted = figures(mailing.counts or MailingCounts(sent=mailing.sent))
    found = links(tally)
    values = {
        "title": said("Mailings"),
        "mailing": mailing,
        "counted": counted,
        "stages": _funnel(counted),
        "plot": _plot(visit, mailing, tally),
        "links": [(one, mailing.links.get(one.link, Link(one.link))) for one in found],
        "most": max((one.people for one in found), default=0),
        "people": people(tally),
    }
    return Page("pages/mailing.html", values)


async def export(visit: Visit) -> Reply:
    """Return every known mailing with all its figures as CSV."""
    del visit
    known = [one async for one in (await app.connector()).engagement.known.all()]
    return csv_file("mailings", FIGURE_COLUMNS, figure_rows(known))


async def over_time(visit: Visit) -> Reply:
    """Return as CSV how many people opened and clicked first in each hour."""
    mailing, tally = await _mailing(visit)
    rows, opened, clicked = [], 0, 0
    for one in hours(tally):
        opened, clicked = opened + one.opened, clicked + one.clicked
        numbers = (one.opened, one.clicked, opened, clicked)
        cells = (mailing.handle, one.at.isoformat(timespec="seconds"), *map(str, numbers))
        rows.append(dict(zip(_OVER_TIME, cells, strict=True)))
    return csv_file("opens-and-clicks", _OVER_TIME, rows)


async def clicked_links(visit: Visit) -> Reply:
    """Return the links with their people and clicks as CSV."""
    mailing, tally = await _mailing(visit)
    rows = []
    for one in links(tally):
        known = mailing.links.get(one.link, Link(one.link))
        cells = (mailing.handle, one.link, known.name, known.url, known.type)
        numbers = map(str, (one.people, one.clicks, one.machines))
        rows.append(dict(zip(_LINKS, (*cells, *numbers), strict=True)))
    return csv_file("links", _LINKS, rows)


async def prepared(visit: Visit) -> Reply:
    """Count the mailings that the initial synchronisation would read: how many, left out, how long, how many calls."""
    del visit
    engagement = (await app.connector()).engagement
    if not engagement.policy.is_on:
        raise RefusedError(HTTPStatus.CONFLICT, _OFF)
    return Page("parts/mailings_prepared.html", {"forecast": await engagement.initial.forecast(None)}, is_fragment=True)


async def start(visit: Visit) -> Reply:
    """Begin the initial synchronisation of mailings; the page of runs shows its progress (INI-05)."""
    del visit
    engagement = (await app.connector()).engagement
    if not engagement.policy.is_on:
        raise RefusedError(HTTPStatus.CONFLICT, _OFF)
    await engagement.begin_initial(None)
    return Redirect(link("runs"), Notice(Tone.INFO, said("Started. Its progress stands on this page.")))


async def _mailing(visit: Visit) -> tuple[KnownMailing, Tally]:
    engagement, handle = (await app.connector()).engagement, visit.parts[0]
    found = (await engagement.known.read([handle])).get(handle) if handle.isascii() and handle.isprintable() else None
    if found is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such mailing, or it is too old."))
    return found, await engagement.tallies.read(handle)


def _funnel(counted: MailingFigures) -> list[Stage]:
    """Return the bars, each with its base: opens and clicks are shares of delivered mail."""
    of_sent, of_delivered, of_opened = said("of sent"), said("of delivered"), said("of opened")
    return [
        Stage(said("Sent"), counted.sent, counted.sent, of_sent),
        Stage(said("Delivered"), counted.delivered, counted.sent, of_sent),
        Stage(said("Opened"), counted.opened, counted.delivered, of_delivered),
        Stage(said("Clicked"), counted.clicked, counted.delivered, of_delivered),
        Stage(said("Clicked a conversion link"), counted.conversions, counted.opened, of_opened),
    ]


def _plot(visit: Visit, mailing: KnownMailing, tally: Tally) -> Growth | None:
    found = hours(tally)
    if not found:
        return None
    begun = min(mailing.begun or found[0].at, found[0].at).replace(minute=0, second=0, microsecond=0)
    until = visit.now if not mailing.is_frozen else max(found[-1].at, mailing.read_on or begun)
    names = (visit.locale.say(said("Opened")), visit.locale.say(said("Clicked")))
    return growth(names, begun, until, [(one.at, (one.opened, one.clicked)) for one in found])
