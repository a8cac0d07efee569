"""Consent and bounces over HTTP, as CSV or JSON: ids, codes and times."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

import azure.functions as func
from pydantic import BeforeValidator, Field

from shared.composition import app
from shared.consent.audit_ledger import COLUMNS, as_rows
from shared.consent.bounce_service import BOUNCE_COLUMNS, bounce_rows
from shared.domain.records.records import RecordKey
from shared.domain.values.csv_text import csv_header, csv_lines
from shared.domain.values.moments import complaint_about_range
from shared.triggers.http.answers import json_answer
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import BadRequestError, RequestModel, parameters_of, read_query

_MOST_ROWS = 100_000
"""Rows of one answer, some 20 MB: a function's answer cannot be streamed."""


def _moment(text: str) -> datetime:
    """Read a date or a time; one without a zone is in UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _ConsentQuery(RequestModel):
    """The query of an export: a range of time, one record, and the cursor of the page."""

    since: Annotated[datetime | None, BeforeValidator(_moment)] = Field(default=None, alias="from")
    until: Annotated[datetime | None, BeforeValidator(_moment)] = Field(default=None, alias="to")
    record: Annotated[RecordKey | None, BeforeValidator(RecordKey.parse)] = None
    after: str = ""
    limit: int = Field(default=_MOST_ROWS, ge=1, le=_MOST_ROWS)


@http_function("export_consent")
async def export_consent(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with changes of consent, oldest first: `?from=2026-01-01&to=2026-02-01&record=contact:…`.

    If there are more than `limit`, the header Link has the address of the next page.
    """
    usage = "Ask with from and to as dates (2026-01-31), record as contact:{its id}."
    query = read_query(req, _ConsentQuery, usage=usage)
    services = await app.services()
    if wrong := complaint_about_range(query.since, query.until, services.clock.now()):
        raise BadRequestError(f"{wrong} {usage}")
    portion = await services.consent.portion(
        since=query.since, until=query.until, record=query.record, after=query.after, limit=query.limit
    )
    headers = {"Content-Disposition": 'attachment; filename="consent.csv"'}
    if portion.following:
        rest = urlencode({**parameters_of(req), "after": portion.following})
        headers["Link"] = f'</api/consent.csv?{rest}>; rel="next"'
    text = csv_header(COLUMNS) + csv_lines(COLUMNS, as_rows(portion.changes))
    return func.HttpResponse(text, mimetype="text/csv", charset="utf-8", headers=headers)


class _Format(StrEnum):
    JSON = "json"
    CSV = "csv"


class _BounceQuery(RequestModel):
    """The query of the bounce report: its format, and the cursor of the page."""

    format: _Format = _Format.JSON
    after: str = ""
    limit: int = Field(default=1000, ge=1, le=_MOST_ROWS)


@http_function("report_bounces")
async def report_bounces(req: func.HttpRequest) -> func.HttpResponse:
    """List the records with an address problem (BNC-13), as JSON or with `?format=csv`; Link has the next page."""
    query = read_query(req, _BounceQuery, usage="Ask with format=json or csv, and limit.")
    report = await (await app.connector()).bounces.report(after=query.after, limit=query.limit)
    rows, headers = bounce_rows(report), {}
    if report.following:
        rest = urlencode({**parameters_of(req), "after": report.following})
        headers["Link"] = f'</api/bounces?{rest}>; rel="next"'
    match query.format:
        case _Format.JSON:
            return json_answer({"bounces": rows, "after": report.following or None}, headers=headers)
        case _Format.CSV:
            headers["Content-Disposition"] = 'attachment; filename="bounces.csv"'
            text = csv_header(BOUNCE_COLUMNS) + csv_lines(BOUNCE_COLUMNS, rows)
            return func.HttpResponse(text, mimetype="text/csv", charset="utf-8", headers=headers)
