"""What a person must decide, over HTTP: new subscribers (NEW-04), disputed fields, duplicates, failed jobs."""

from http import HTTPStatus
from typing import Any, Literal, Self
from uuid import UUID, uuid4

import azure.functions as func
from pydantic import Field, model_validator

from shared.administration.people.choices import Side
from shared.composition import app
from shared.domain.records.jobs import JobResult, JobStatus
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConflictError, DataError, NotFoundError
from shared.inbound.reviews import Lifting, Review
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import NOBODY, RequestModel, read_body, read_query

_HOW = 'Send {"table": "contact", "id": "…"} to choose a record, or {"dismiss": true} to leave the contact alone.'


_RECORDS = "Name a record: /api/records/{contact|lead|account}/{its id}/…."


class _ReviewsQuery(RequestModel):
    """Which open reviews to list."""

    after: str = ""
    limit: int = Field(default=100, ge=1, le=1000)


class _Decision(RequestModel):
    """A record, with `liftRefusal` if it may get mail again; or `dismiss`."""

    table: PersonTable | None = None
    id: UUID | None = None
    dismiss: Literal[True] | None = None
    lift_refusal: Literal[True] | None = Field(default=None, alias="liftRefusal")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        chosen = self.table is not None and self.id is not None
        if chosen == bool(self.dismiss) or (self.table is None) != (self.id is None):
            raise ValueError("give table and id, or dismiss")
        if self.id == NOBODY:
            raise ValueError("an id of zeros names no record")
        if self.lift_refusal and not chosen:
            raise ValueError("liftRefusal needs table and id")
        return self

    @property
    def key(self) -> RecordKey | None:
        """The chosen record."""
        return RecordKey(self.table, self.id) if self.table is not None and self.id is not None else None


@http_function("list_reviews")
async def list_reviews(req: func.HttpRequest) -> func.HttpResponse:
    """List open reviews: `?limit=100&after=…`, where `after` is `next` of the page before."""
    query = read_query(req, _ReviewsQuery, usage="limit is a number from 1 to 1000.")
    page = await (await app.connector()).reviews.page(after=query.after, limit=query.limit)
    return json_answer({"reviews": [_as_json(one) for one in page.reviews], "next": page.following})


@http_function("decide_review")
async def decide_review(req: func.HttpRequest) -> func.HttpResponse:
    """Choose the record of a new subscriber, or dismiss the review."""
    decision = read_body(req, _Decision, usage=_HOW)
    try:
        identifier = UUID(req.route_params["id"])
    except ValueError:
        return problem(HTTPStatus.BAD_REQUEST, "Call /api/reviews/{an id of GET /api/reviews}.")
    connector = await app.connector()
    key = decision.key
    if key is not None and key.table not in connector.settings.sync_tables:
        return problem(HTTPStatus.CONFLICT, f"Synchronisation is not enabled for {key.table}: add it to SYNC_TABLES.")
    try:
        reviews = connector.reviews
        lifting = Lifting.ALL if decision.lift_refusal else Lifting.AS_TOLD
        review = await (reviews.dismiss(identifier) if key is None else reviews.bind(identifier, key, lifting))
    except NotFoundError as error:
        return problem(HTTPStatus.NOT_FOUND, error.summary)
    except (DataError, ConflictError) as error:
        return problem(HTTPStatus.CONFLICT, error.summary)
    return json_answer(_as_json(review))


class _Side(RequestModel):
    """A field that both sides changed, and whose value counts."""

    field: str = Field(min_length=1, max_length=200)
    side: Literal["dynamics", "spotler"]


class _Repetition(RequestModel):
    """Whether somebody has looked in Spotler, where nobody knows whether the job had its effect."""

    looked: bool = False


@http_function("take_side")
async def take_side(req: func.HttpRequest) -> func.HttpResponse:
    """Let one side of a field count that both sides changed: {"field": "city", "side": "spotler"}."""
    wanted = read_body(req, _Side, usage='Send {"field": a name of GET /api/explain, "side": "dynamics" or "spotler"}.')
    if (key := _record(req)) is None:
        return problem(HTTPStatus.BAD_REQUEST, _RECORDS)
    try:
        await (await app.administration()).choices.take_side(key, wanted.field, Side(wanted.side))
    except ConflictError as error:
        return problem(HTTPStatus.CONFLICT, error.summary)
    return json_answer({"record": str(key), "field": wanted.field, "side": wanted.side}, HTTPStatus.ACCEPTED)


@http_function("make_primary")
async def make_primary(req: func.HttpRequest) -> func.HttpResponse:
    """Let the contact of duplicates have the values of this record."""
    if (key := _record(req)) is None:
        return problem(HTTPStatus.BAD_REQUEST, _RECORDS)
    try:
        await (await app.administration()).choices.make_primary(key)
    except ConflictError as error:
        return problem(HTTPStatus.CONFLICT, error.summary)
    return json_answer({"record": str(key), "primary": True}, HTTPStatus.ACCEPTED)


@http_function("repeat_job")
async def repeat_job(req: func.HttpRequest) -> func.HttpResponse:
    """Queue a failed job again. If its effect is unknown: {"looked": true}, after a look in Spotler."""
    wanted = read_body(req, _Repetition, usage='Send {} or {"looked": true}.', default=b"{}")
    try:
        line = await (await app.services()).latest_rows.job(UUID(req.route_params["id"]))
    except ValueError:
        return problem(HTTPStatus.BAD_REQUEST, "Call /api/jobs/{the id of a Spotler Job}/repeat.")
    if line is None or line.job.status is not JobStatus.FAILED:
        return problem(HTTPStatus.CONFLICT, "There is no such job, or it has not failed.")
    if line.code == JobResult.OUTCOME_UNKNOWN and not wanted.looked:
        text = 'Nobody knows whether this job had its effect: look in Spotler, then send {"looked": true}.'
        return problem(HTTPStatus.CONFLICT, text)
    try:
        await (await app.connector()).jobs.repeat(line.job, correlation=str(uuid4()))
    except ConflictError as error:
        return problem(HTTPStatus.CONFLICT, error.summary)
    return json_answer({"job": line.job.id, "status": JobStatus.QUEUED}, HTTPStatus.ACCEPTED)


def _record(req: func.HttpRequest) -> RecordKey | None:
    try:
        return RecordKey(PersonTable(req.route_params["table"]), UUID(req.route_params["id"]))
    except ValueError:
        return None


def _as_json(review: Review) -> dict[str, Any]:
    return {
        "id": review.id,
        "contact": review.contact,
        "reason": review.reason,
        "text": review.text,
        "candidates": [{"table": one.table, "id": one.id} for one in review.candidates],
        "since": review.since,
        "correlation": review.correlation,
        "decision": {"table": review.chosen.table, "id": review.chosen.id} if review.chosen else None,
        "dismissed": review.dismissed,
    }
