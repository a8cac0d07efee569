"""The weights of engagement scores over HTTP: read, preview, apply. The body is a file of weights as YAML."""

from http import HTTPStatus

import azure.functions as func
from pydantic import Field

from shared.composition import app
from shared.errors import ConflictError, DataError
from shared.triggers.http.access import PRINCIPAL_ID, sign_in_is_on
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import RequestModel, read_query

_NO_SIGN_IN = "function-key"
_MOST = 20_000


class _PreviewQuery(RequestModel):
    """How many people to look at."""

    most: int = Field(default=_MOST, ge=1, le=_MOST)


class _ApplyQuery(RequestModel):
    """Who applies, by a role or an id, and why."""

    by: str = ""
    comment: str = ""


@http_function("read_weights")
async def read_weights(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the live file of weights as YAML. ETag is its version."""
    number, text = await (await app.connector()).engagement.weights_change.text()
    return func.HttpResponse(text, mimetype="application/yaml", charset="utf-8", headers={"ETag": f'"{number}"'})


@http_function("preview_weights")
async def preview_weights(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with how many people's scores would move by how much. Changes nothing."""
    query = read_query(req, _PreviewQuery, usage=f"Call /api/engagement/weights/preview?most={_MOST} or less.")
    change = (await app.connector()).engagement.weights_change
    try:
        return json_answer((await change.preview(_text(req), most=query.most)).as_json())
    except ValueError as error:
        return _invalid(error)


@http_function("apply_weights")
async def apply_weights(req: func.HttpRequest) -> func.HttpResponse:
    """Make the file in the body live: `?by=role&comment=…`. All scores are computed again."""
    query = read_query(req, _ApplyQuery, usage="Call /api/engagement/weights?by={role or id}&comment={why}.")
    by = (req.headers.get(PRINCIPAL_ID, "") if sign_in_is_on() else "") or query.by or _NO_SIGN_IN
    change = (await app.connector()).engagement.weights_change
    try:
        version = await change.apply(_text(req), by=by, comment=query.comment)
    except ValueError as error:
        return _invalid(error)
    except DataError as error:
        return problem(HTTPStatus.BAD_REQUEST, str(error))
    except ConflictError as error:
        return problem(HTTPStatus.CONFLICT, str(error))
    answer = {"version": version.number, "at": version.at.isoformat(timespec="seconds"), "by": version.by}
    return json_answer({**answer, "scores": "are computed again now"}, headers={"ETag": f'"{version.number}"'})


def _text(req: func.HttpRequest) -> str:
    return req.get_body().decode("utf-8")  # UnicodeDecodeError is a ValueError


def _invalid(error: ValueError) -> func.HttpResponse:
    text = "the body is no UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"This is no file of weights: {text}.")
