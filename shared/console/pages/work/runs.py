"""Runs: how far, how long, who was left out. They survive closing the page, a restart and an upgrade (INI)."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from shared.administration.account_forecast import WHOLE_ACCOUNT, Origin
from shared.composition import app
from shared.console.csv_file import csv_file
from shared.console.reasons import TONES, Kind, kind_of, text_of
from shared.console.rendering.plots import columns
from shared.console.rendering.words import Said, said
from shared.console.web import Notice, Page, Redirect, RefusedError, Reply, Tone, Unchanged, Visit, link
from shared.dispatch.other_runs import OtherRun, RunAct
from shared.dispatch.runs import Run, RunState
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.records.outcomes import Reason
from shared.domain.records.records import PersonTable
from shared.errors import ConflictError, NotFoundError

STATES: Mapping[RunState, tuple[Tone, str, Said]] = {
    RunState.RUNNING: (Tone.INFO, "running", said("Running")),
    RunState.PAUSED: (Tone.NEUTRAL, "pause", said("Paused")),
    RunState.STOPPED: (Tone.NEUTRAL, "no", said("Stopped")),
    RunState.COMPLETED: (Tone.OK, "ok", said("Completed")),
    RunState.BROKEN: (Tone.BAD, "bad", said("Broken off")),
}

TABLES: Mapping[PersonTable, Said] = {
    PersonTable.CONTACT: said("Contacts"),
    PersonTable.LEAD: said("Leads"),
    PersonTable.ACCOUNT: said("Accounts"),
}

_EVENTS: Mapping[str, Said] = {
    RunState.RUNNING: said("Started, or went on from the position"),
    RunState.PAUSED: said("Paused; the page that was being processed was finished"),
    RunState.STOPPED: said("Stopped for good"),
    RunState.COMPLETED: said("Completed"),
    RunState.BROKEN: said("Broken off: a page could not be read for hours"),
}

CHANGED: Mapping[str, Said] = {
    "pause": said("Paused. What is done stays; resume it whenever you like."),
    "resume": said("Resumed at the position."),
    "stop": said("Stopped for good. What is done stays."),
}

_ORIGINS: Mapping[Origin, Said] = {
    Origin.ACCOUNT_READ: said("So many were read by the comparison of the account that ended on %(when)s."),
    Origin.READ_BEFORE: said("So many were read by the comparison before the one that began on %(when)s."),
    Origin.READ_SO_FAR: said("At least: so many were read so far by the first comparison, which began on %(when)s."),
    Origin.BINDINGS: said(
        "So many records were in Spotler on %(when)s. Subscribers without a record come on top; records that share an"
        " address share a contact."
    ),
}

_BECOMES: Mapping[ImportTarget, Said] = {
    ImportTarget.NONE: said("left out: no record is made of them (NEW_SUBSCRIBER_TARGET)"),
    ImportTarget.LEAD: said("each becomes a lead; where a record with the address refuses mail, a decision"),
    ImportTarget.CONTACT: said("each becomes the contact that matches, else a new one; in doubt a decision"),
    ImportTarget.MEMBERSHIP_ENTRY: said("each becomes a membership entry; what Dynamics refuses, a decision"),
}

_PER_SECOND = 40
"""Records; measured on the sandbox. The first page of a run replaces the estimate."""

_PAGE, _REQUESTS_PER_PAGE = 500, 16
_COUNTED, _SAMPLED = 5_000, 200
_MOST_PAGES = 100


async def runs(visit: Visit) -> Reply:
    """List the initial synchronisations with their last run, and the runs before."""
    del visit
    connector = await app.connector()
    found = await connector.runs.runs.latest()
    last = {table: next((run for run in found if run.table is table), None) for table in PersonTable}
    values = {
        "title": said("Runs"),
        "kinds": [(table, TABLES[table], last[table]) for table in sorted(connector.settings.sync_tables)],
        "runs": [(run, TABLES[run.table]) for run in found],
        "states": STATES,
        "comparison": (await connector.comparison.state()).get("since"),
        "mailings": (await connector.engagement.initial.as_json()) if connector.engagement.policy.is_on else None,
        "reads_mailings": connector.engagement.policy.is_on,
        "target": connector.settings.new_subscriber_target,
        "poll": await connector.poll.state(),
    }
    return Page("pages/runs.html", values)


async def prepare(visit: Visit) -> Reply:
    """Show the page before a start; the count follows as a part."""
    table = _table(visit)
    values = {"title": said("Prepare"), "table": table, "name": TABLES[table]}
    return Page("pages/run_prepare.html", values)


async def prepared(visit: Visit) -> Reply:
    """Count the records, and plan a sample: how many, who is left out and why, how long, how many requests."""
    table = _table(visit)
    connector, administration = await app.connector(), await app.administration()
    total, after = 0, None
    for _ in range(_MOST_PAGES):
        page = await connector.crm.people_page(table, after=after, limit=_COUNTED)
        total += len(page.keys)
        if (after := page.after) is None:
            break
    sample = await administration.preview.reasons(table, size=_SAMPLED)
    unwritten = Counter({reason: count for (action, reason), count in sample.items() if not action.startswith("write")})
    same = unwritten.pop(Reason.AGREED, 0)
    about_same, about_out = (_of_all(part, sample.total(), total) for part in (same, unwritten.total()))
    values = {
        "table": table,
        "total": total,
        "is_whole": after is None,
        "sampled": sample.total(),
        "is_exact": after is None and sample.total() == total,
        "out": [(reason, text_of(reason), count) for reason, count in unwritten.most_common()],
        "about_out": about_out,
        "about_same": about_same,
        "about_sent": total - about_out - about_same,
        "seconds": total / _PER_SECOND,
        "requests": (total // _PAGE + 1) * _REQUESTS_PER_PAGE,
    }
    return Page("parts/run_prepared.html", values, is_fragment=True)


def _of_all(part: int, sampled: int, total: int) -> int:
    """Return how many of all a part of the sample stands for."""
    return round(total * part / sampled) if sampled else 0


async def start(visit: Visit) -> Reply:
    """Start a run over a table."""
    total = int(visit.given("total")) if visit.given("total").isdecimal() else 0
    try:
        run = await (await app.connector()).runs.start(_table(visit), total=total, by=visit.user.id)
    except ConflictError as error:
        raise RefusedError(HTTPStatus.CONFLICT, said("Not started: %(cause)s"), cause=error.summary) from None
    return Redirect(link("run", run.id), Notice(Tone.INFO, said("Started. You can close this page; the run goes on.")))


async def from_spotler_prepared(visit: Visit) -> Reply:
    """Tell what is known about all contacts of Spotler before they are compared, and where each number comes from."""
    del visit
    forecast = await (await app.administration()).account_forecasts.forecast()
    values = {"forecast": forecast, "origin": _ORIGINS.get(forecast.origin), "becomes": _BECOMES[forecast.target]}
    return Page("parts/account_prepared.html", values, is_fragment=True)


async def start_from_spotler(visit: Visit) -> Reply:
    """Compare the contacts of Spotler with Dynamics, from a day on; new subscribers become what the settings say."""
    try:
        day = datetime.fromisoformat(visit.given("since") or WHOLE_ACCOUNT.isoformat())
        since = day if day.tzinfo else day.replace(tzinfo=UTC)
    except ValueError:
        raise RefusedError(HTTPStatus.BAD_REQUEST, said("Give a day, such as 2026-01-31.")) from None
    await (await app.connector()).comparison.since(min(since, visit.now))
    return Redirect(link("runs"), Notice(Tone.INFO, said("Started. Its progress stands on this page.")))


async def change_from_spotler(visit: Visit) -> Reply:
    """Pause, resume or stop the comparison of Spotler's contacts with Dynamics."""
    return await _change_other(visit, OtherRun.FROM_SPOTLER)


async def change_mailings(visit: Visit) -> Reply:
    """Pause, resume or stop the initial synchronisation of mailings."""
    return await _change_other(visit, OtherRun.MAILINGS)


async def _change_other(visit: Visit, run: OtherRun) -> Reply:
    if (act := visit.parts[0]) not in set(RunAct):
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such run."))
    try:
        await (await app.connector()).other_runs.change(run, RunAct(act))
    except ConflictError as error:
        raise RefusedError(HTTPStatus.CONFLICT, said("Not changed: %(cause)s"), cause=error.summary) from None
    return Redirect(link("runs"), Notice(Tone.INFO, CHANGED[act]))


async def run(visit: Visit) -> Reply:
    """Show one run."""
    return Page("pages/run.html", {"title": said("Run"), **_shown(await _run(visit), visit)})


async def progress(visit: Visit) -> Reply:
    """Show how far a run is, for a page that stays open; nothing if nothing has changed."""
    found = await _run(visit)
    if visit.asked("saved") == found.saved.isoformat():
        return Unchanged(ended=found.state.is_over)
    return Page("parts/run.html", {**_shown(found, visit), "renewed": True}, is_fragment=True)


async def pause(visit: Visit) -> Reply:
    """Pause a run."""
    return await _changed(visit, "pause")


async def resume(visit: Visit) -> Reply:
    """Resume a run at its position."""
    return await _changed(visit, "resume")


async def confirm_stop(visit: Visit) -> Reply:
    """Say what stopping does."""
    return Page("pages/run_stop.html", {"title": said("Stop"), "run": await _run(visit)})


async def stop(visit: Visit) -> Reply:
    """Stop a run for good."""
    return await _changed(visit, "stop")


async def export(visit: Visit) -> Reply:
    """Return who was not passed on as CSV: record ids, results and reasons."""
    found = await _run(visit)
    rows = [
        {"record": record, "result": result, "reason": reason, "text": visit.locale.say(text_of(reason))}
        async for why, record in (await app.connector()).runs.runs.not_passed_on(found.id)
        for result, _, reason in [why.partition("/")]
    ]
    return csv_file(f"not-passed-on-{found.id}", ("record", "result", "reason", "text"), rows)


def _shown(found: Run, visit: Visit) -> dict[str, Any]:
    kinds: dict[Kind, Counter[str]] = {kind: Counter() for kind in Kind}
    for name, count in found.counts.items():
        result, _, reason = name.partition("/")
        kinds[kind_of(result, reason)][reason] += count
    rates = [
        (later.done - earlier.done) / max((later.at - earlier.at).total_seconds(), 0.001)
        for earlier, later in zip(found.moments, found.moments[1:], strict=False)
    ]
    silent = visit.now - found.saved if found.state is RunState.RUNNING else timedelta()
    return {
        "run": found,
        "name": TABLES[found.table],
        "state": STATES[found.state],
        "kinds": [
            (kind, TONES[kind], reasons.total(), [(one, text_of(one), count) for one, count in reasons.most_common()])
            for kind, reasons in kinds.items()
            if reasons
        ],
        "most": max((count for reasons in kinds.values() for count in reasons.values()), default=0),
        "columns": columns(rates),
        "events": [(event, _EVENTS.get(event.what, said("Changed"))) for event in found.events],
        "requests": found.pages * _REQUESTS_PER_PAGE,
        "silent": silent if silent > timedelta(minutes=10) else None,
        "renewed": False,
    }


async def _changed(visit: Visit, act: str) -> Reply:
    control, identifier = (await app.connector()).runs, visit.parts[0]
    try:
        match act:
            case "pause":
                await control.pause(identifier, by=visit.user.id)
            case "resume":
                await control.resume(identifier, by=visit.user.id)
            case _:
                await control.stop(identifier, by=visit.user.id)
    except NotFoundError:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such run.")) from None
    except ConflictError as error:
        raise RefusedError(HTTPStatus.CONFLICT, said("Not changed: %(cause)s"), cause=error.summary) from None
    return Redirect(link("run", identifier), Notice(Tone.INFO, CHANGED[act]))


async def _run(visit: Visit) -> Run:
    found = await (await app.connector()).runs.runs.read(visit.parts[0]) if visit.parts[0].isdecimal() else None
    if found is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such run."))
    return found


def _table(visit: Visit) -> PersonTable:
    if visit.parts[0] not in set(PersonTable):
        raise RefusedError(HTTPStatus.NOT_FOUND, said("There is no such table."))
    return PersonTable(visit.parts[0])
