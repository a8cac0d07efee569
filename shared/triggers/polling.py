"""Looks for what people changed in Spotler, every quarter of an hour and on demand; compares all of it at night."""

from __future__ import annotations

from http import HTTPStatus

import azure.functions as func
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared import app
from shared.errors import ConnectorError
from shared.triggers.answers import json_answer, problem
from shared.triggers.consuming import timed
from shared.triggers.http_function import http_function
from shared.triggers.requests import read_body
from shared.triggers.schedules import schedule

blueprint = func.Blueprint()


class _PollRequest(BaseModel):
    """Now, or (`since`) from a moment on: everything that changed since then is compared again."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime | None = Field(default=None)


@blueprint.function_name("poll_spotler")
@blueprint.timer_trigger(arg_name="timer", schedule=schedule("poll_schedule"))
@timed("poll_spotler")
async def poll_spotler(timer: func.TimerRequest) -> None:
    """Bring home what changed in Spotler since the last time (S2D-01, SCH-02). What fails is made up for next time."""
    await (await app.connector()).poll.poll()


@blueprint.function_name("reconcile")
@blueprint.timer_trigger(arg_name="timer", schedule=schedule("reconcile_schedule"))
@timed("reconcile")
async def reconcile(timer: func.TimerRequest) -> None:
    """Compare both sides in full, page by page, and look again at what changed in Spotler since yesterday (C-05)."""
    connector = await app.connector()
    if connector.settings.reconcile:
        await connector.reconciliation.begin()


@http_function(blueprint, "poll_now")
async def poll_now(req: func.HttpRequest) -> func.HttpResponse:
    """Poll at once, or start over from a moment: {} or {"since": "2026-11-01T00:00:00Z"} (INI-04)."""
    usage = 'Send {}, or {"since": "2026-11-01T00:00:00Z"}: a moment with its time zone.'
    wanted = read_body(req, _PollRequest, usage=usage, default=b"{}")
    poll = (await app.connector()).poll
    try:
        if wanted.since is not None:
            await poll.rewind(wanted.since)
        polled = await poll.poll()
    except ConnectorError as error:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"recovery": error.recovery})
    return json_answer(
        {
            "until": polled.until.isoformat(timespec="seconds"),
            "contacts": {str(what): count for what, count in polled.seen.items()},
            "bounced": len(polled.bounced),
            "isBehind": polled.is_behind,
        }
    )
