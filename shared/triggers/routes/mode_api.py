"""The mode over HTTP, and forecasts: what a mapping or going live would do to everybody (no values of people)."""

from http import HTTPStatus
from typing import Any, Literal

import azure.functions as func
from pydantic import Field

from shared.adapters.workbook.files import read_file
from shared.administration.mode import AwaitsRecoveryError
from shared.administration.worker_thread import run_in_thread
from shared.composition import app
from shared.dispatch.forecasts import Forecast
from shared.domain.mapping.formats.document import MappingError
from shared.domain.recovery.allow_list import AllowList
from shared.errors import ConflictError
from shared.messages.lane_messages import Subject
from shared.triggers.http.access import PRINCIPAL_ID, sign_in_is_on
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import RequestModel, read_body

_NO_SIGN_IN = "function-key"
_USAGE = (
    'Send {"mode": "shadow"}, {"mode": "allow-list", "allowed": ["@example.com", "ann@example.org"]}, or '
    '{"mode": "live", "environment": the name of the environment}.'
)
_SUBJECTS = f"Call /api/forecasts/{' or /'.join(Subject)}."


class _Change(RequestModel):
    """The mode; `allowed` is for an allow-list, `environment` confirms going live."""

    mode: Literal["live", "allow-list", "shadow"]
    allowed: list[str] = Field(default=[], max_length=1000)
    environment: str = ""


@http_function("read_mode")
async def read_mode(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the mode, since when, and how many addresses and which domains an allow-list has."""
    del req
    change = await app.mode()
    since = change.since.isoformat(timespec="seconds") if change.since else None
    allowed = {"domains": list(change.domains), "addresses": len(change.allowed)}
    return json_answer({"mode": change.mode, "since": since, "by": change.by, "allowed": allowed})


@http_function("change_mode")
async def change_mode(req: func.HttpRequest) -> func.HttpResponse:
    """Choose the mode. Live needs the environment's name, and after an allow-list a forecast of everybody."""
    wanted = read_body(req, _Change, usage=_USAGE)
    changes, environment = (await app.administration()).mode_changes, (await app.services()).settings.environment
    try:
        match wanted.mode:
            case "shadow":
                await changes.stop_writing(by=_caller(req))
            case "allow-list":
                prints = await (await app.services()).keys.fingerprinter()
                await changes.hold_to(AllowList.of(wanted.allowed, prints), by=_caller(req))
            case "live" if wanted.environment == environment:
                await changes.go_live(by=_caller(req))
            case "live":
                return problem(HTTPStatus.BAD_REQUEST, f"The name of the environment is another one. {_USAGE}")
    except ValueError:
        return problem(HTTPStatus.BAD_REQUEST, f"The allow-list needs addresses or domains, and nothing else. {_USAGE}")
    except AwaitsRecoveryError as error:
        return problem(HTTPStatus.CONFLICT, error.summary)
    except ConflictError:
        text = "Plan everybody first: POST /api/forecasts/live, then GET it until it is finished."
        return problem(HTTPStatus.CONFLICT, text)
    return await read_mode(req)


@http_function("begin_forecast")
async def begin_forecast(req: func.HttpRequest) -> func.HttpResponse:
    """Plan everybody with the mapping in the body, or as if the connector were live. Nothing is written."""
    if (subject := _subject(req)) is None:
        return problem(HTTPStatus.NOT_FOUND, _SUBJECTS)
    mapping = None
    if subject is Subject.MAPPING:
        try:
            mapping = await run_in_thread(read_file, req.get_body(), (await app.services()).settings.environment)
        except MappingError:
            text = "This is no valid mapping: POST it to /api/mapping/check, which says what is wrong."
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, text)
    forecast = await (await app.connector()).forecasts.begin(subject, mapping, by=_caller(req))
    return json_answer(forecast_json(forecast), HTTPStatus.ACCEPTED)


@http_function("read_forecast")
async def read_forecast(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the last forecast: how many would change, by what; `samples` are record ids."""
    if (subject := _subject(req)) is None:
        return problem(HTTPStatus.NOT_FOUND, _SUBJECTS)
    found = await (await app.connector()).forecasts.latest(subject)
    if found is None:
        return problem(HTTPStatus.NOT_FOUND, f"There is no forecast yet: POST /api/forecasts/{subject} begins one.")
    return json_answer(forecast_json(found))


def forecast_json(forecast: Forecast) -> dict[str, Any]:
    """Return a forecast as JSON: ids, codes, names of properties, counts and times."""
    tally = forecast.tally
    return {
        "id": forecast.id,
        "subject": forecast.subject,
        "by": forecast.by,
        "begun": forecast.begun.isoformat(timespec="seconds"),
        "saved": forecast.saved.isoformat(timespec="seconds"),
        "finished": forecast.is_finished,
        "planned": tally.done,
        "differing": tally.differing,
        "ending": tally.ends,
        "actions": dict(tally.actions),
        "fields": dict(tally.fields),
        "emptied": dict(tally.emptied),
        "problems": dict(tally.problems),
        "samples": {kind: list(ids) for kind, ids in tally.samples.items()},
    }


def _subject(req: func.HttpRequest) -> Subject | None:
    wanted = req.route_params["subject"]
    return Subject(wanted) if wanted in set(Subject) else None


def _caller(req: func.HttpRequest) -> str:
    return (req.headers.get(PRINCIPAL_ID, "") if sign_in_is_on() else "") or _NO_SIGN_IN
