"""Mailings over HTTP: reads interactions at once, and lists mailings."""

import asyncio
import contextlib
from enum import StrEnum
from http import HTTPStatus

import azure.functions as func
from pydantic import AwareDatetime, Field

from shared.composition import app
from shared.domain.values.csv_text import csv_header, csv_lines
from shared.domain.values.moments import complaint_about_past
from shared.engagement.choices import PassDepth
from shared.engagement.mailings.figures_report import FIGURE_COLUMNS, figure_rows
from shared.errors import ConflictError
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import BadRequestError, RequestModel, read_body, read_query

_USAGE = (
    'Send {}; or {"initial": true}, with "since": "2026-01-01T00:00:00Z" to begin later than interactions are kept.'
)
_ATTEMPTS, _BETWEEN = 100, 0.3
"""Attempts, and seconds between them, while another worker reads."""


class _EngagementRequest(RequestModel):
    """Read now, or begin the initial synchronisation of mailings (INI-05)."""

    initial: bool = False
    since: AwareDatetime | None = Field(default=None)


class _InitialQuery(RequestModel):
    """From when on; as early as interactions are kept without it."""

    since: AwareDatetime | None = Field(default=None)


class _Format(StrEnum):
    JSON = "json"
    CSV = "csv"


class _MailingsQuery(RequestModel):
    """The form of the list."""

    format: _Format = _Format.JSON


@http_function("engagement_now")
async def engagement_now(req: func.HttpRequest) -> func.HttpResponse:
    """Read at once: {}; or begin the initial synchronisation of mailings: {"initial": true} (BULK-28)."""
    wanted = read_body(req, _EngagementRequest, usage=_USAGE, default=b"{}")
    engagement = (await app.connector()).engagement
    if not engagement.policy.is_on:
        return problem(HTTPStatus.CONFLICT, "Mailings are not read: ENGAGEMENT or SYNC_ENABLED is false.")
    if wanted.initial:
        if wanted.since and (wrong := complaint_about_past("since", wanted.since, (await app.services()).clock.now())):
            raise BadRequestError(f"{wrong} {_USAGE}")
        begun = await engagement.begin_initial(wanted.since)
        started = {"since": begun.since.isoformat(timespec="seconds"), "progress": "GET /api/health, under engagement"}
        return json_answer({"started": started}, status=HTTPStatus.ACCEPTED)
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(ConflictError):
            return json_answer((await engagement.poll(PassDepth.STATISTICS)).as_json())
        await asyncio.sleep(_BETWEEN)
    return problem(HTTPStatus.CONFLICT, "Another worker reads the interactions: try again in a few minutes.")


@http_function("forecast_initial")
async def forecast_initial(req: func.HttpRequest) -> func.HttpResponse:
    """Count what the initial synchronisation of mailings would read, and estimate calls and time; begin nothing."""
    query = read_query(req, _InitialQuery, usage="Call /api/engagement/initial, or with ?since=2026-01-01T00:00:00Z.")
    engagement = (await app.connector()).engagement
    if not engagement.policy.is_on:
        return problem(HTTPStatus.CONFLICT, "Mailings are not read: ENGAGEMENT or SYNC_ENABLED is false.")
    return json_answer((await engagement.initial.forecast(query.since)).as_json())


@http_function("list_mailings")
async def list_mailings(req: func.HttpRequest) -> func.HttpResponse:
    """List the known mailings with their counts and rates, newest first, as JSON or CSV (P-19)."""
    query = read_query(req, _MailingsQuery, usage="Call /api/mailings?format=json or csv.")
    rows = figure_rows([one async for one in (await app.connector()).engagement.known.all()])
    match query.format:
        case _Format.JSON:
            return json_answer({"mailings": rows})
        case _Format.CSV:
            headers = {"Content-Disposition": 'attachment; filename="mailings.csv"'}
            text = csv_header(FIGURE_COLUMNS) + csv_lines(FIGURE_COLUMNS, rows)
            return func.HttpResponse(text, mimetype="text/csv", charset="utf-8", headers=headers)
