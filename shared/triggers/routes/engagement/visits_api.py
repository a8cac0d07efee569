"""Visits to a website over HTTP: any tracker, or a flow, reports who came and what they saw (INT-02)."""

from collections.abc import Sequence
from http import HTTPStatus

import azure.functions as func

from shared.composition import app
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import BadRequestError
from shared.triggers.routes.engagement.visit_reports import (
    Item,
    Rejection,
    items_of_csv,
    items_of_json,
    read_reports,
)

_MOST = 1_000
_USAGE = (
    f"Send at most {_MOST} visits: a JSON array, or one JSON object in each line; or as text/csv a header line, and "
    "one line for each page."
)


@http_function("website_visits")
async def website_visits(req: func.HttpRequest) -> func.HttpResponse:
    """Keep visits. Answers 202 with how many were accepted, and which lines were rejected; repeats do no harm."""
    engagement, now = (await app.connector()).engagement, (await app.services()).clock.now()
    if not engagement.policy.is_on:
        return problem(HTTPStatus.CONFLICT, "Visits are not kept: ENGAGEMENT or SYNC_ENABLED is false.")
    reports = read_reports(_items(req), now)
    await engagement.weights.refresh()
    kept = await engagement.visits.keep([visit for _, visit in reports.visits.values()])
    refused = [
        Rejection(reports.visits[one][0], "crmId", f"Dataverse refuses it: {code}")
        for one, code in kept.refused.items()
    ]
    rejected = [one.as_json() for one in (*reports.rejected, *refused)]
    answer = {"accepted": kept.kept, "withoutRecord": kept.without_record, "rejected": rejected}
    return json_answer(answer, status=HTTPStatus.ACCEPTED)


def _items(req: func.HttpRequest) -> Sequence[Item]:
    is_csv = req.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/csv"
    try:
        text = req.get_body().decode("utf-8-sig")
        found = items_of_csv(text) if is_csv else items_of_json(text)
    except UnicodeDecodeError:
        raise BadRequestError(f"The body is no UTF-8. {_USAGE}") from None
    except ValueError as error:
        raise BadRequestError(f"The body cannot be read: {error}. {_USAGE}") from None
    if not found or len(found) > _MOST:
        raise BadRequestError(_USAGE)
    return found
