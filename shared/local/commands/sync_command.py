"""`python -m shared sync`: starts, watches, pauses, resumes and stops a run over a table, Spotler or its mailings.

A run is the work of the functions host: this command starts it and looks on. Ctrl+C ends the looking, not the run.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shared.administration.account_forecast import WHOLE_ACCOUNT, AccountForecast
from shared.composition import app
from shared.dispatch.other_runs import OtherRun, RunAct
from shared.dispatch.run_control import RunControl
from shared.dispatch.runs import Run, RunState
from shared.domain.merging.comparison_window import Span
from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.records.records import PersonTable
from shared.engagement.service import Engagement
from shared.errors import ConflictError, NotFoundError, Service
from shared.inbound.comparison import Comparison
from shared.local.commands.local_settings import read_local_settings
from shared.ports.dataverse import Crm

_BY = "terminal"
_PAUSE = 0.5
_PAGE = 5_000
_TABLES = [str(table) for table in PersonTable]
_WHAT = "a table to send to Spotler; from-spotler or mailings, to read all of them; or an act on a run"
_SHADOW = "error: the connector is in shadow mode, and writes nothing: go live first"
_ACTS = ("watch", "pause", "resume", "stop")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("what", choices=(*_TABLES, *map(str, OtherRun), *_ACTS), help=_WHAT)
    parser.add_argument(
        "run", nargs="?", default="", help="the id of the run, from-spotler or mailings; without it, the latest one"
    )
    parser.add_argument("--no-wait", action="store_true", help="do not watch")


async def run(options: argparse.Namespace) -> int:
    """Do it, and watch the run to its end; the exit code is 1 if it broke off."""
    read_local_settings()
    try:
        connector = await app.connector()
        if options.what == OtherRun.MAILINGS:
            return await _read_mailings(connector.engagement, watches=not options.no_wait)
        if options.what == OtherRun.FROM_SPOTLER:
            return await _compare_account(connector.comparison, watches=not options.no_wait)
        if options.run in set(OtherRun) and options.what in set(RunAct):
            await connector.other_runs.change(OtherRun(options.run), RunAct(options.what))
            print(f"Run {options.run}: {options.what}")
            return 0
        found = await _begun(options, connector.runs, connector.crm)
        if options.what in {"pause", "stop"} or options.no_wait:
            print(f"Run {found.id}: {found.state}, {found.done} of {found.total} records")
            return 0
        return await _watch(connector.runs, found)
    finally:
        await app.shut_down()


async def _compare_account(comparison: Comparison, *, watches: bool) -> int:
    """Print the forecast, compare every contact, and watch; the exit code is 1 in shadow mode: nothing is begun."""
    print(_forecast_text(await (await app.administration()).account_forecasts.forecast()))
    if await app.is_shadow():
        print(_SHADOW, file=sys.stderr)
        return 1
    progress = await comparison.since(WHOLE_ACCOUNT)
    if not watches:
        return 0
    with _time_bar() as bar:
        task = bar.add_task("contacts", total=(progress.end - progress.since).total_seconds())
        while not progress.rests:
            await asyncio.sleep(_PAUSE)
            progress = (await comparison.runs()).get(Span.SINCE, progress)
            bar.update(task, completed=(progress.until - progress.since).total_seconds())
    state = "stopped" if progress.stopped else "paused" if progress.paused else "completed"
    print(f"Run {OtherRun.FROM_SPOTLER}: {state}, {progress.contacts} contacts")
    return 0


def _forecast_text(forecast: AccountForecast) -> str:
    if forecast.contacts is None:
        return (
            "how many contacts, how long, how many requests: not known until the first comparison\n"
            f"contacts without a record become: {forecast.target}"
        )
    unknown = "not known until the first comparison"
    seen = unknown if forecast.seen is None else f"{forecast.with_record} of {forecast.seen}"
    new = unknown if forecast.seen is None else f"{forecast.without_record}; record gone: {forecast.deleted}"
    counted = f"{forecast.bound} have a contact, {forecast.held} are held, {forecast.ended} left out"
    return (
        f"about {forecast.contacts} contacts ({forecast.origin}, {forecast.at:%Y-%m-%d})\n"
        f"with a record, only compared: {seen}; without a record, which become {forecast.target}: {new}\n"
        f"records: {counted if forecast.bound is not None else 'not counted yet'}\n"
        f"about {forecast.seconds} s, {forecast.spotler_calls} requests to Spotler,"
        f" {forecast.dataverse_calls} to Dataverse"
    )


def _time_bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %")
    return Progress(*columns, console=Console(stderr=True))


async def _read_mailings(engagement: Engagement, *, watches: bool) -> int:
    """Print the forecast, begin, and watch to the end; the exit code is 1 in shadow mode, where nothing is begun."""
    if not engagement.policy.is_on:
        raise ConflictError("mailings are not read: ENGAGEMENT or SYNC_ENABLED is false", service=Service.STATE)
    forecast = await engagement.initial.forecast(None)
    print(
        f"{forecast.mailings} mailings since {forecast.since:%Y-%m-%d}, {forecast.messages} messages went out;"
        f" {forecast.nothing_sent} left out: no message went out\n"
        f"about {forecast.seconds} s, {forecast.spotler_calls} requests to Spotler,"
        f" {forecast.dataverse_calls} to Dataverse"
    )
    if await app.is_shadow():
        print(_SHADOW, file=sys.stderr)
        return 1
    progress = await engagement.begin_initial(None)
    if not watches:
        return 0
    with _time_bar() as bar:
        task = bar.add_task("mailings", total=(progress.end - progress.since).total_seconds())
        while not progress.rests:
            await asyncio.sleep(_PAUSE)
            progress = await engagement.initial.progress() or progress
            bar.update(task, completed=(progress.until - progress.since).total_seconds())
    state = "stopped" if progress.stopped else "paused" if progress.paused else "completed"
    print(f"Run {OtherRun.MAILINGS}: {state}, {progress.mailings} mailings")
    return 0


async def _begun(options: argparse.Namespace, control: RunControl, crm: Crm) -> Run:
    if options.what in _TABLES:
        table = PersonTable(options.what)
        return await control.start(table, total=await _count(crm, table), by=_BY)
    latest = await control.runs.latest(1)
    identifier = options.run or (latest[0].id if latest else "")
    if (found := await control.runs.read(identifier) if identifier else None) is None:
        raise NotFoundError("There is no such run; python -m shared sync contact starts one")
    match options.what:
        case "pause":
            return await control.pause(identifier, by=_BY)
        case "resume":
            return await control.resume(identifier, by=_BY)
        case "stop":
            return await control.stop(identifier, by=_BY)
        case _:
            return found


async def _count(crm: Crm, table: PersonTable) -> int:
    total, after = 0, None
    while True:
        page = await crm.people_page(table, after=after, limit=_PAGE)
        total += len(page.keys)
        if (after := page.after) is None:
            return total


async def _watch(control: RunControl, run: Run) -> int:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task(f"{run.table} {run.id}", total=run.total or None)
        while True:
            bar.update(task, completed=run.done, total=run.total or None)
            if run.state is not RunState.RUNNING:
                break
            await asyncio.sleep(_PAUSE)
            run = await control.runs.read(run.id) or run
    print(f"Run {run.id}: {run.state}, {run.done} of {run.total} records")
    for name, count in sorted(run.counts.items(), key=lambda one: -one[1]):
        reason = name.partition("/")[2]
        print(f"  {count:>8}  {reason:<20} {TEXTS[Reason(reason)]}")
    return 1 if run.state is RunState.BROKEN else 0
