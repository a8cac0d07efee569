"""The mode: live or shadow; what shadow would have written; going live shows what will happen first."""

from http import HTTPStatus
from uuid import uuid4

from shared.administration.mode import Mode
from shared.composition import app
from shared.console.reasons import text_of
from shared.console.rendering.words import said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Visit, link
from shared.dispatch.shadow import GONE
from shared.domain.records.outcomes import Reason
from shared.ports.queue import QueueName

_NOT_SENT = frozenset({"skipped", "failed", "unchanged"})


async def mode(visit: Visit) -> Reply:
    """Show the mode, since when, and in shadow mode what would have been written."""
    del visit
    services, administration = await app.services(), await app.administration()
    change = await services.modes.current()
    counts = await administration.shadow.counts() if change.mode is Mode.SHADOW else {}
    rows = [
        (action, reason, said("The record does not exist any more.") if action == GONE else text_of(reason), count)
        for (action, reason), count in sorted(counts.items(), key=lambda one: -one[1])
    ]
    values = {
        "title": said("Mode"),
        "change": change,
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
    await (await app.services()).modes.change(Mode.SHADOW, by=visit.user.id)
    text = said("Nothing is written from now on; what is being processed is finished within five minutes.")
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
    services, connector, administration = await app.services(), await app.connector(), await app.administration()
    if visit.given("name") != services.settings.environment:
        raise RefusedError(
            HTTPStatus.CONFLICT, said("Nothing was changed. Type the name of the environment to go live.")
        )
    if (await services.modes.current()).awaits_recovery:
        text = said(
            "The state was restored: run python -m shared state recover first, so that no refusal is forgotten."
        )
        raise RefusedError(HTTPStatus.CONFLICT, text)
    await services.modes.change(Mode.LIVE, by=visit.user.id)
    await connector.reconciliation.begin()
    await administration.shadow.forget()
    text = said("Live. Every record is compared on both sides now; the page Checks shows how far that is.")
    return Redirect(link("mode"), Notice(Tone.OK, text))
