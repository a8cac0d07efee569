"""Visits to a website over HTTP: any tracker, or a flow, reports who came and what they saw (INT-02)."""

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

import azure.functions as func
from pydantic import AwareDatetime, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from shared.composition import app
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.values.values import is_email
from shared.engagement.website_visits import WebsiteVisit
from shared.triggers.http.answers import json_answer, problem
from shared.triggers.http.http_function import http_function
from shared.triggers.http.requests import BadRequestError, RequestModel

_MOST = 1_000
_USAGE = f"Send a JSON array, or one JSON object in each line, of at most {_MOST} visits."
_AHEAD = timedelta(minutes=5)


class _Page(RequestModel):
    """A page that was seen."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")

    url: str = Field(max_length=4000)
    title: str = ""
    at: AwareDatetime | None = None


class _Visit(RequestModel):
    """A visit. Fields of trackers that mean nothing here are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")

    visit_id: str = Field(min_length=1, max_length=100)
    visited_at: AwareDatetime
    crm_table: PersonTable | None = None
    crm_id: UUID | None = None
    email: str = Field(default="", max_length=320)
    pages: Annotated[list[_Page], Field(max_length=1000)] = Field(default=[])
    score: int | None = Field(default=None, ge=0, le=1_000_000)

    def visit(self) -> WebsiteVisit:
        """Convert to the domain. ValueError for a visit of nobody."""
        record = RecordKey(self.crm_table, self.crm_id) if self.crm_table and self.crm_id else None
        email = self.email.strip()
        if record is None and not is_email(email):
            raise ValueError("crmTable and crmId, or email, must say who came")
        first = self.pages[0] if self.pages else None
        times = [page.at for page in self.pages if page.at is not None]
        return WebsiteVisit(
            id=self.visit_id,
            begun=self.visited_at,
            ended=max([self.visited_at, *times]),
            record=record,
            email=email,
            url=without_query(first.url) if first else "",
            title=first.title if first else "",
            pages=max(1, len(self.pages)),
            score=self.score,
        )


@http_function("website_visits")
async def website_visits(req: func.HttpRequest) -> func.HttpResponse:
    """Keep visits. Answers 202 with how many were accepted, and which lines were rejected; repeats do no harm."""
    engagement, now = (await app.connector()).engagement, (await app.services()).clock.now()
    if not engagement.policy.is_on:
        return problem(HTTPStatus.CONFLICT, "Visits are not kept: ENGAGEMENT or SYNC_ENABLED is false.")
    visits: dict[str, tuple[int, WebsiteVisit]] = {}
    rejected: list[dict[str, Any]] = []
    for line, item in enumerate(_items(req.get_body()), start=1):
        try:
            visit = _Visit.model_validate(item).visit()
        except ValidationError as error:
            first = error.errors()[0]
            rejected.append(_rejection(line, ".".join(map(str, first["loc"])), first["msg"]))
            continue
        except ValueError as error:
            rejected.append(_rejection(line, "email", str(error)))
            continue
        if visit.begun > now + _AHEAD:
            rejected.append(_rejection(line, "visitedAt", "lies in the future"))
        else:
            visits[visit.id] = line, visit
    await engagement.weights.refresh()
    kept = await engagement.visits.keep([visit for _, visit in visits.values()])
    rejected += [
        _rejection(visits[one][0], "crmId", f"Dataverse refuses it: {code}") for one, code in kept.refused.items()
    ]
    answer = {"accepted": kept.kept, "withoutRecord": kept.without_record, "rejected": rejected}
    return json_answer(answer, status=HTTPStatus.ACCEPTED)


def without_query(url: str) -> str:
    """Return an address without its query, which may hold personal data; parameters of campaigns stay."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"}:
        return ""
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name.startswith("utm_")]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(kept), ""))


def _rejection(line: int, field: str, reason: str) -> dict[str, Any]:
    return {"line": line, "field": field, "reason": reason}


def _items(body: bytes) -> list[Any]:
    try:
        text = body.decode("utf-8").strip()
        found = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line]
    except (ValueError, RecursionError):
        raise BadRequestError(f"The body is no JSON. {_USAGE}") from None
    if not isinstance(found, list) or not found or len(found) > _MOST:
        raise BadRequestError(_USAGE)
    return found
