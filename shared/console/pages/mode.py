"""The mode: live, an allow-list, or shadow. What shadow would have written; going live shows first what will happen."""

from http import HTTPStatus
from uuid import uuid4

from shared.administration.mode import AwaitsRecoveryError, Mode
from shared.composition import app
from shared.console.reasons import text_of
from shared.console.rendering.words import said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.dispatch.shadow import GONE
from shared.domain.records.outcomes import Reason
from shared.domain.recovery.allow_list import AllowList
from shared.errors import ConflictError
from shared.ports.queue import QueueName

_RECOVER = said("The state was restored: run python -m shared state recover first, so that no refusal is forgotten.")
_NOT_SENT = frozenset({"skipped", "failed", "unchanged"})


async def mode(visit: Visit) -> Reply:
    """Show the mode, since when, and what going live would do."""
    del visit
    services, administration = await app.services(), await app.administration()
    change = await services.modes.current()
    counts = await administration.shadow.counts() if change.mode is Mode.SHADOW else {}
    rows = [
        (action, reason, said("The record does not exist any more.") if action == GONE else text_of(reason), count)
        for (action, reason), count in sorted(counts.items(), key=lambda one: -one[1])
    ]
    forecast = await (await app.connector()).forecasts.latest(administration.mode_changes.subject)
    values = {
        "title": said("Mode"),
        "change": change,
        "forecast": forecast,
        "is_counted": administration.mode_changes.is_counted(forecast, change),
        "rows": rows,
        "writes": sum(count for (action, _), count in counts.items() if action not in _NOT_SENT),
        "planned": sum(counts.values()),
        "latest": await administration.shadow.latest() if change.mode is Mode.SHADOW else [],
        "text_of": text_of,
        "erasing": sum(count for (action, _), count in counts.items() if action in {"anonymize", GONE}),
        "created": counts.get(("write", Reason.CREATED), 0),
        "environment_name": services.settings.environment,
    }
    return Page("pages/mode.html", values)


async def enter_shadow(visit: Visit) -> Reply:
    """Stop writing: from now on everything is planned only."""
    await (await app.administration()).mode_changes.stop_writing(by=visit.user.id)
    text = said("Nothing is written from now on; what is being processed is finished within five minutes.")
    return Redirect(link("mode"), Notice(Tone.OK, text))


async def hold_to_list(visit: Visit) -> Reply:
    """Write only chosen addresses and domains in Spotler."""
    entries = visit.given("allowed").replace(",", " ").replace(";", " ").split()
    try:
        allowed = AllowList.of(entries, await (await app.services()).keys.fingerprinter())
    except ValueError:
        raise RefusedError(
            HTTPStatus.BAD_REQUEST,
            said("Nothing was changed. Give e-mail addresses, or domains such as @example.com, one on each line."),
        ) from None
    try:
        await (await app.administration()).mode_changes.hold_to(allowed, by=visit.user.id)
    except AwaitsRecoveryError:
        raise RefusedError(HTTPStatus.CONFLICT, _RECOVER) from None
    text = said("Only these addresses are written in Spotler from now on. Everybody else ends with a reason.")
    return Redirect(link("mode"), Notice(Tone.OK, text))


async def plan_everybody(visit: Visit) -> Reply:
    """Plan every record of every table, so that the page shows what going live would do."""
    del visit
    connector = await app.connector()
    if not await app.is_shadow():
        raise RefusedError(HTTPStatus.CONFLICT, said("The connector is live: a run would write. Prepare one instead."))
    for table in sorted(connector.settings.sync_tables):
        await connector.resync.table(table, QueueName.BULK, correlation=str(uuid4()))
    return Redirect(link("mode"), Notice(Tone.INFO, said("Everybody is being planned; load the page again to see it.")))


async def go_live(visit: Visit) -> Reply:
    """Start writing, if the environment's name was typed; every record is compared on both sides at once."""
    services, administration = await app.services(), await app.administration()
    if visit.given("name") != services.settings.environment:
        raise RefusedError(
            HTTPStatus.CONFLICT, said("Nothing was changed. Type the name of the environment to go live.")
        )
    try:
        await administration.mode_changes.go_live(by=visit.user.id)
    except AwaitsRecoveryError:
        raise RefusedError(HTTPStatus.CONFLICT, _RECOVER) from None
    except ConflictError:
        raise RefusedError(
            HTTPStatus.CONFLICT, said("Nothing was changed. Plan everybody first: it shows what going live will do.")
        ) from None
    text = said("Live. Every record is compared on both sides now; the page Checks shows how far that is.")
    return Redirect(link("mode"), Notice(Tone.OK, text))
