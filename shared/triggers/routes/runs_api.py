"""What is begun over HTTP: runs over a table, which can be paused and stopped (INI), the poll, and a comparison."""

import asyncio
import contextlib
from datetime import datetime
from http import HTTPStatus
from typing import Any

import azure.functions as func
from pydantic import AwareDatetime, Field

from shared.composition import app
from shared.composition.wiring import Connector
from shared.dispatch.other_runs import OtherRun, RunAct
from shared.dispatch.runs import Run
from shared.domain.records.records import PersonTable
from shared.domain.values.moments import complaint_about_past
from shared.errors import ConflictError, NotFoundError
from shared.inbound.page_counts import ChangeKind
from shared.inbound.poll import PollResult
from shared.triggers.http.access import PRINCIPAL_ID, sign_in_is_on
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import BadRequestError, RequestModel, read_body

_NO_SIGN_IN = "function-key"
_START = 'Send {"table": "contact"}; with "total": 31870 the run knows how far it is.'
_CHANGE = 'Send {"act": "pause"}, "resume" or "stop".'


class _Start(RequestModel):
    """The table, and how many records it has; 0 if that was not counted."""

    table: PersonTable
    total: int = Field(default=0, ge=0)


class _Change(RequestModel):
    """The act."""

    act: RunAct


@http_function("list_runs")
async def list_runs(req: func.HttpRequest) -> func.HttpResponse:
    """List the latest runs, newest first, with their counts by `result/reason`."""
    del req
    connector = await app.connector()
    others = {
        OtherRun.FROM_SPOTLER: (await connector.comparison.state()).get("since"),
        OtherRun.MAILINGS: await connector.engagement.initial.as_json(),
    }
    return json_answer({"runs": [run_json(run) for run in await connector.runs.runs.latest()], "others": others})


@http_function("start_run")
async def start_run(req: func.HttpRequest) -> func.HttpResponse:
    """Start a run over a table on the bulk lane; 409 while a walk over it is under way."""
    wanted = read_body(req, _Start, usage=_START)
    connector = await app.connector()
    if wanted.table not in connector.settings.sync_tables:
        return problem(
            HTTPStatus.CONFLICT, f"Synchronisation is not enabled for {wanted.table}: add it to SYNC_TABLES."
        )
    try:
        run = await connector.runs.start(wanted.table, total=wanted.total, by=_caller(req))
    except ConflictError as error:
        return problem(HTTPStatus.CONFLICT, error.summary)
    return json_answer(run_json(run), HTTPStatus.ACCEPTED)


@http_function("forecast_from_spotler")
async def forecast_from_spotler(req: func.HttpRequest) -> func.HttpResponse:
    """Estimate the comparison of all contacts of Spotler from what is stored; null is what is not known."""
    del req
    return json_answer((await (await app.administration()).account_forecasts.forecast()).as_json())


@http_function("change_run")
async def change_run(req: func.HttpRequest) -> func.HttpResponse:
    """Pause, resume or stop a run."""
    wanted = read_body(req, _Change, usage=_CHANGE)
    connector, identifier = await app.connector(), req.route_params["id"]
    if identifier in set(OtherRun):
        return await _change_other(OtherRun(identifier), wanted.act, connector)
    control = connector.runs
    if not identifier.isdecimal():
        return problem(HTTPStatus.BAD_REQUEST, "Call /api/runs/{an id of GET /api/runs}.")
    acts = {RunAct.PAUSE: control.pause, RunAct.RESUME: control.resume, RunAct.STOP: control.stop}
    try:
        run = await acts[wanted.act](identifier, by=_caller(req))
    except NotFoundError as error:
        return problem(HTTPStatus.NOT_FOUND, error.summary)
    except ConflictError as error:
        return problem(HTTPStatus.CONFLICT, error.summary)
    return json_answer(run_json(run))


async def _change_other(run: OtherRun, act: RunAct, connector: Connector) -> func.HttpResponse:
    try:
        await connector.other_runs.change(run, act)
    except ConflictError as error:
        return problem(HTTPStatus.CONFLICT, error.summary)
    return json_answer({"run": run, "act": act})


def run_json(run: Run) -> dict[str, Any]:
    """Return a run as JSON: ids, codes, counts and times."""
    return {
        "id": run.id,
        "table": run.table,
        "state": run.state,
        "begun": run.begun.isoformat(timespec="seconds"),
        "saved": run.saved.isoformat(timespec="seconds"),
        "total": run.total,
        "done": run.done,
        "pages": run.pages,
        "perSecond": round(run.per_second, 1),
        "secondsLeft": round(run.left.total_seconds()) if run.left is not None else None,
        "counts": dict(run.counts),
    }


def _caller(req: func.HttpRequest) -> str:
    return (req.headers.get(PRINCIPAL_ID, "") if sign_in_is_on() else "") or _NO_SIGN_IN


# ----------------------------------------------------------------------------------------------------------- the poll

_POLL = 'Send {}, or {"since": "2026-11-01T00:00:00Z"}: a moment in the past with its time zone.'
_ATTEMPTS, _BETWEEN = 100, 0.3
"""Attempts, and seconds between them, while another poll is under way."""


class _PollRequest(RequestModel):
    """Poll now, or (`since`) compare everything that changed since a moment."""

    since: AwareDatetime | None = Field(default=None)


@http_function("poll_now")
async def poll_now(req: func.HttpRequest) -> func.HttpResponse:
    """Poll at once: {}; or begin a comparison from a moment: {"since": "2026-11-01T00:00:00Z"} (INI-04)."""
    wanted = read_body(req, _PollRequest, usage=_POLL, default=b"{}")
    connector = await app.connector()
    try:
        if wanted.since is not None:
            return await _compare(connector, wanted.since)
        return _poll_json(await _polled(connector))
    except ConflictError as error:
        return problem(HTTPStatus.CONFLICT, f"{error}: try again in a few minutes.", {"recovery": error.recovery})


async def _compare(connector: Connector, since: datetime) -> func.HttpResponse:
    """Begin a comparison; the cursor of the poll does not move."""
    if wrong := complaint_about_past("since", since, (await app.services()).clock.now()):
        raise BadRequestError(f"{wrong} {_POLL}")
    run = await connector.comparison.since(since)
    started = {
        "comparison": run.span,
        "since": run.since.isoformat(timespec="seconds"),
        "to": run.end.isoformat(timespec="seconds"),
        "correlation": f"compare-{run.id}",
        "progress": "GET /api/health, under comparison",
    }
    return json_answer({"started": started}, status=HTTPStatus.ACCEPTED)


async def _polled(connector: Connector) -> PollResult:
    """Poll; wait for a poll that is under way."""
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(ConflictError):
            return await connector.poll.poll()
        await asyncio.sleep(_BETWEEN)
    return await connector.poll.poll()


def _poll_json(polled: PollResult) -> func.HttpResponse:
    handled = polled.handled
    return json_answer(
        {
            "until": polled.until.isoformat(timespec="seconds"),
            "contacts": {str(what): count for what, count in polled.seen.items()},
            "lookedAt": polled.seen.total(),
            "echoes": polled.seen[ChangeKind.ECHO],
            "written": {"values": handled.values, "permissions": handled.permissions},
            "waiting": handled.waiting,
            "failed": handled.failed,
            "reviews": handled.reviews,
            "setAside": handled.defects,
            "bounced": len(polled.bounced),
            "isBehind": polled.is_behind,
        }
    )
