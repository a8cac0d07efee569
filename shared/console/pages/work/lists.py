"""Lists: is Spotler's list the marketing list, and who is left out of it (ML-16, ML-17)."""

from http import HTTPStatus
from uuid import UUID, uuid4

from shared.composition import app
from shared.console.csv_file import csv_file
from shared.console.reasons import text_of
from shared.console.rendering.code_words import TABLES
from shared.console.rendering.words import said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.lists.start import Begun

_MOST = 200
_JUDGED = 5_000


async def lists(visit: Visit) -> Reply:
    """Show the page; the rows are asked for afterwards."""
    del visit
    return Page("pages/lists.html", {"title": said("Lists")})


async def rows(visit: Visit) -> Reply:
    """Read the marketing lists from Dataverse, and what the connector knows of each."""
    del visit
    services, connector = await app.services(), await app.connector()
    found = await services.latest_rows.lists(limit=_MOST)
    states = {one.id: await connector.lists.state_of(one.id) for one in found}
    values = {"rows": [(one, TABLES[one.table], states[one.id]) for one in found], "most": _MOST}
    return Page("parts/lists.html", values, is_fragment=True)


async def one_list(visit: Visit) -> Reply:
    """Show one list: what would be sent, who would be left out, the last synchronisations."""
    identifier = _identifier(visit)
    values = {"title": said("List"), "id": identifier, "part": link("list", str(identifier), "judged")}
    return Page("pages/list.html", values)


async def judged(visit: Visit) -> Reply:
    """Judge the members of a list as a synchronisation would; nothing is written."""
    answer = await (await app.connector()).lists.overview.of(_identifier(visit), most=_JUDGED)
    if answer is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such list, or it lists no people."))
    return Page("parts/list.html", {"list": answer, "text_of": text_of}, is_fragment=True)


async def sync(visit: Visit) -> Reply:
    """Begin a synchronisation of the list."""
    identifier = _identifier(visit)
    begun = await (await app.connector()).lists.start.begin(identifier, (), str(uuid4()))
    if not isinstance(begun, Begun):
        raise RefusedError(HTTPStatus.CONFLICT, said("Not begun: %(cause)s"), cause=visit.locale.tell(begun.text))
    text = said("The synchronisation has begun. You can close this page; the result stands here and on the list.")
    return Redirect(link("list", str(identifier)), Notice(Tone.INFO, text))


async def left_out(visit: Visit) -> Reply:
    """Return who was left out of the last synchronisation as CSV: record ids and reasons."""
    identifier = _identifier(visit)
    answer = await (await app.connector()).lists.overview.left_out(identifier)
    if answer is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("The list is not in Spotler yet: synchronise it first."))
    rows = [
        {"record": record, "what": what, "reason": reason, "text": visit.locale.say(text_of(reason))}
        for what in ("skipped", "failed")
        for reason, records in answer[what].items()
        for record in records
    ]
    return csv_file(f"left-out-{identifier}", ("record", "what", "reason", "text"), rows)


def _identifier(visit: Visit) -> UUID:
    try:
        return UUID(visit.parts[0])
    except ValueError:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such list.")) from None
