"""The poll over HTTP: polls at once, or compares what changed since a moment."""

import asyncio
import contextlib
from datetime import datetime
from http import HTTPStatus

import azure.functions as func
from pydantic import AwareDatetime, Field

from shared.composition import app
from shared.composition.wiring import Connector
from shared.domain.values.moments import complaint_about_past
from shared.errors import ConflictError
from shared.inbound.page_counts import ChangeKind
from shared.inbound.poll import PollResult
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import BadRequestError, RequestModel, read_body

_USAGE = 'Send {}, or {"since": "2026-11-01T00:00:00Z"}: a moment in the past with its time zone.'
_ATTEMPTS, _BETWEEN = 100, 0.3
"""Attempts, and seconds between them, while another poll is under way."""


class _PollRequest(RequestModel):
    """Poll now, or (`since`) compare everything that changed since a moment."""

    since: AwareDatetime | None = Field(default=None)


@http_function("poll_now")
async def poll_now(req: func.HttpRequest) -> func.HttpResponse:
    """Poll at once: {}; or begin a comparison from a moment: {"since": "2026-11-01T00:00:00Z"} (INI-04)."""
    wanted = read_body(req, _PollRequest, usage=_USAGE, default=b"{}")
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
        raise BadRequestError(f"{wrong} {_USAGE}")
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
