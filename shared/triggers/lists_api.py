"""Marketing lists over HTTP: what a synchronisation would do, how far one is, how the last ones went."""

from __future__ import annotations

from uuid import UUID

import azure.functions as func

from shared import app
from shared.errors import ConnectorError
from shared.triggers.answers import json_answer, problem

blueprint = func.Blueprint()

_JUDGED = 5_000
_MOST_JUDGED = 100_000
_CALL = "Call /api/lists/{the Marketing List's id}, with ?judge=0 to 100000 members (5000)."


@blueprint.function_name("list_overview")
@blueprint.route("lists/{id}", methods=[func.HttpMethod.GET], auth_level=func.AuthLevel.FUNCTION)
async def list_overview(req: func.HttpRequest) -> func.HttpResponse:
    """Count members and say who would be skipped and why; progress and history. Writes nothing."""
    try:
        identifier = UUID(req.route_params["id"])
        judge = int(req.params.get("judge", _JUDGED))
    except ValueError:
        return problem(400, _CALL)
    if not 0 <= judge <= _MOST_JUDGED:
        return problem(400, _CALL)
    try:
        answer = await (await app.connector()).lists.overview.of(identifier, most=judge)
    except ConnectorError as error:
        return problem(502, str(error))
    if answer is None:
        return problem(404, "There is no such Marketing List, or it lists no people.")
    return json_answer(answer)


@blueprint.function_name("list_left_out")
@blueprint.route("lists/{id}/left-out", methods=[func.HttpMethod.GET], auth_level=func.AuthLevel.FUNCTION)
async def list_left_out(req: func.HttpRequest) -> func.HttpResponse:
    """Name the members whom the last synchronisation left out: record ids by reason."""
    try:
        identifier = UUID(req.route_params["id"])
    except ValueError:
        return problem(400, "Call /api/lists/{the Marketing List's id}/left-out.")
    try:
        answer = await (await app.connector()).lists.overview.left_out(identifier)
    except ConnectorError as error:
        return problem(503, str(error))
    return json_answer(answer) if answer else problem(404, "The list is not in Spotler: sync it first.")
