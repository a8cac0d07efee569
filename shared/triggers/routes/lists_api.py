"""Marketing lists over HTTP: forecast, progress and history of their synchronisation."""

from http import HTTPStatus
from uuid import UUID

import azure.functions as func
from pydantic import Field

from shared.composition import app
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import BadRequestError, RequestModel, read_query

_JUDGED = 5_000
_MOST_JUDGED = 100_000


class _OverviewQuery(RequestModel):
    """How many members to judge, in whole pages of 2,500."""

    judge: int = Field(default=_JUDGED, ge=0, le=_MOST_JUDGED)


@http_function("list_overview")
async def list_overview(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with counts of members, members that would be skipped by reason, progress and history. Writes nothing."""
    identifier = _identifier(req)
    usage = f"Call /api/lists/{{id}}?judge={_JUDGED}: from 0 to {_MOST_JUDGED} members."
    query = read_query(req, _OverviewQuery, usage=usage)
    answer = await (await app.connector()).lists.overview.of(identifier, most=query.judge)
    if answer is None:
        return problem(HTTPStatus.NOT_FOUND, "There is no such Marketing List, or it lists no people.")
    return json_answer(answer)


@http_function("list_left_out")
async def list_left_out(req: func.HttpRequest) -> func.HttpResponse:
    """List the members that the last synchronisation left out: record ids by reason."""
    identifier = _identifier(req)
    answer = await (await app.connector()).lists.overview.left_out(identifier)
    if answer is None:
        return problem(
            HTTPStatus.NOT_FOUND, "No synchronisation of the list has ended: sync it first, or ask again in a moment."
        )
    return json_answer(answer)


def _identifier(req: func.HttpRequest) -> UUID:
    try:
        return UUID(req.route_params["id"])
    except ValueError:
        raise BadRequestError("Call /api/lists/{the Marketing List's id}.") from None
