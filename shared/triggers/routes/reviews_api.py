"""Reviews over HTTP: subscribers about whom a person must decide (NEW-04)."""

from http import HTTPStatus
from typing import Any, Literal, Self
from uuid import UUID

import azure.functions as func
from pydantic import Field, model_validator

from shared.composition import app
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConflictError, DataError, NotFoundError
from shared.inbound.reviews import Lifting, Review
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import NOBODY, RequestModel, read_body, read_query

_HOW = 'Send {"table": "contact", "id": "…"} to choose a record, or {"dismiss": true} to leave the contact alone.'


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
