"""People: who stands where, and the search for one of them. A search is a post: no name gets into an address."""

from http import HTTPStatus
from uuid import UUID

from shared.administration.people.standing import Standing
from shared.composition import app
from shared.consent.bounce_service import BOUNCE_COLUMNS, bounce_rows
from shared.console.access.values import readable
from shared.console.csv_file import csv_file
from shared.console.reasons import TONES, kind_of, text_of
from shared.console.rendering.words import said
from shared.console.web import Page, Redirect, RefusedError, Reply, Visit, link
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.values.addresses import address_text
from shared.domain.values.values import is_email

_MOST_FOUND = 20
_MOST_BOUNCES = 1_000

STANDING_TEXTS = {
    Standing.IN_SPOTLER: said("In Spotler"),
    Standing.LEFT_OUT: said("Left out on purpose"),
    Standing.WAITING: said("Waiting"),
    Standing.TO_DECIDE: said("To decide"),
    Standing.FAILED: said("Failed"),
}


async def people(visit: Visit) -> Reply:
    """List people by where they stand or by a reason, 50 at a time (VAL-09)."""
    wanted, reason = visit.asked("standing"), visit.asked("reason")
    if wanted and wanted not in set(Standing):
        raise RefusedError(HTTPStatus.BAD_REQUEST, said("Choose one of the filters of this page."))
    standing = Standing(wanted) if wanted else None
    rows, following = await (await app.administration()).standings.page(standing, reason, after=visit.asked("after"))
    values = {
        "title": said("People"),
        "rows": [(one, TONES[kind_of(one.result, one.reason)], text_of(one.reason)) for one in rows],
        "standing": standing,
        "reason": reason,
        "reason_text": text_of(reason) if reason else "",
        "filters": STANDING_TEXTS,
        "next": link("people", standing=wanted, reason=reason, after=following) if following else "",
        "found": None,
    }
    return Page("pages/people.html", values)


async def bounces(visit: Visit) -> Reply:
    """Return the records with an address problem as CSV: ids, codes and times (BNC-13)."""
    del visit
    service, rows, after = (await app.connector()).bounces, [], ""
    while True:
        report = await service.report(after=after, limit=_MOST_BOUNCES)
        rows += bounce_rows(report)
        if not (after := report.following):
            return csv_file("bounces", BOUNCE_COLUMNS, rows)


async def search(visit: Visit) -> Reply:
    """Find a person by record id, Spotler's id, e-mail address or name; one exact hit opens the page of the person."""
    what = visit.given("what")
    if not what:
        return Redirect(link("people"))
    keys = await _found(visit, what)
    if len(keys) == 1:
        return Redirect(link("person", keys[0].table, str(keys[0].id)))
    entries = await (await app.connector()).ledger.entries(keys)
    values = {
        "title": said("Search"),
        "found": [(key, entries[key].outcome) for key in keys],
        "text_of": text_of,
        "searched_names": _searches_names(visit),
        "filters": STANDING_TEXTS,
        "standing": None,
    }
    return Page("pages/people.html", values)


async def _found(visit: Visit, what: str) -> list[RecordKey]:
    connector, services = await app.connector(), await app.services()
    table, _, identifier = what.rpartition(":")
    try:
        tables = [PersonTable(table)] if table else sorted(services.settings.sync_tables)
        keys = [RecordKey(one, UUID(identifier)) for one in tables]
    except ValueError:
        keys = []
    if keys:
        existing = await connector.crm.read_people(keys)
        known = await connector.ledger.entries(keys)
        found = [key for key in keys if key in existing or known[key].outcome is not None]
        return found or list(await connector.ledger.users_of(str(keys[0].id)))[:_MOST_FOUND]
    if is_email(email := address_text(what)):
        return list((await connector.crm.people_using([email])).get(email, ()))[:_MOST_FOUND]
    if users := await connector.ledger.users_of(what) if what.isascii() and " " not in what else {}:
        return list(users)[:_MOST_FOUND]
    if not _searches_names(visit):
        return []
    named = await services.people_search.named(what, limit=_MOST_FOUND)
    allowed = await readable(visit, named)
    return [key for key in named if key in allowed]


def _searches_names(visit: Visit) -> bool:
    """Whether names are searched: with the user's own rights in Dynamics, or for administrators."""
    return visit.request.sign_in_is_on or visit.sees_values
