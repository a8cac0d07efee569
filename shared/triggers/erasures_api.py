"""Releases the brake on mass erasures, for an administrator who has looked at what it holds."""

from __future__ import annotations

from http import HTTPStatus

import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field

from shared import app
from shared.errors import ConnectorError
from shared.triggers.answers import json_answer, problem
from shared.triggers.http_function import http_function
from shared.triggers.requests import read_body

blueprint = func.Blueprint()


class _Release(BaseModel):
    """For how many hours erasures are not counted."""

    model_config = ConfigDict(extra="forbid")

    hours: int = Field(default=1, ge=1, le=24)


@http_function(blueprint, "release_brake")
async def release_brake(req: func.HttpRequest) -> func.HttpResponse:
    """Let erasures pass for some hours: {} or {"hours": 4}. Then replay the dead letters with reason mass-erasure."""
    wanted = read_body(req, _Release, usage='Send {}, or {"hours": 4}: 1 to 24 hours.', default=b"{}")
    try:
        until = await (await app.connector()).brake.release(wanted.hours)
    except ConnectorError as error:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"recovery": error.recovery})
    return json_answer({"releasedUntil": until.isoformat(timespec="seconds")})
