"""Mailings: how did each go, as it was read from Spotler last (P-19)."""

from datetime import UTC, datetime
from http import HTTPStatus

from shared.composition import app
from shared.console.csv_file import csv_file
from shared.console.rendering.words import said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.domain.engagement.statistics import MailingCounts, figures
from shared.engagement.mailings.figures_report import FIGURE_COLUMNS, figure_rows

_MOST = 100
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


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


async def export(visit: Visit) -> Reply:
    """Return every known mailing with all its figures as CSV."""
    del visit
    known = [one async for one in (await app.connector()).engagement.known.all()]
    return csv_file("mailings", FIGURE_COLUMNS, figure_rows(known))


async def start(visit: Visit) -> Reply:
    """Begin the initial synchronisation of mailings; the page of runs shows its progress (INI-05)."""
    del visit
    engagement = (await app.connector()).engagement
    if not engagement.policy.is_on:
        raise RefusedError(HTTPStatus.CONFLICT, said("Mailings are not read: ENGAGEMENT or SYNC_ENABLED is false."))
    await engagement.begin_initial(None)
    return Redirect(link("runs"), Notice(Tone.INFO, said("Started. Its progress stands on this page.")))
