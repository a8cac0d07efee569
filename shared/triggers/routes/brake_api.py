"""The brake over HTTP: its state, and its release by an administrator (decision 20)."""

import azure.functions as func
from pydantic import Field

from shared.composition import app
from shared.domain.planning.binding import MassChange
from shared.triggers.http.answers import json_answer
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import RequestModel, read_body

blueprint = func.Blueprint()

_USAGE = (
    'Send {"kinds": ["erasure"], "hours": 4}: 1 to 24 hours (1 if you leave it out), and one or several of '
    f"{', '.join(MassChange)}."
)


class _Release(RequestModel):
    """Which kinds pass, and for how many hours."""

    kinds: frozenset[MassChange] = Field(min_length=1)
    hours: int = Field(default=1, ge=1, le=24)


@http_function(blueprint, "brake")
async def brake(req: func.HttpRequest) -> func.HttpResponse:
    """Answer by kind with the limit, the count of the last hour, what is held since when, and the release."""
    del req
    return json_answer(await (await app.connector()).brake.state())


@http_function(blueprint, "release_brake")
async def release_brake(req: func.HttpRequest) -> func.HttpResponse:
    """Release held changes, and all changes of these kinds for some hours: {"kinds": ["erasure"], "hours": 4}."""
    wanted = read_body(req, _Release, usage=_USAGE)
    until = await (await app.connector()).release.begin(wanted.kinds, wanted.hours)
    return json_answer({"kinds": sorted(wanted.kinds), "releasedUntil": until.isoformat(timespec="seconds")})
