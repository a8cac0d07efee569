"""Reads reports of website visits: JSON, one JSON object in each line, or CSV with one line for each page."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.values.values import is_email
from shared.engagement.website_visits import WebsiteVisit
from shared.triggers.http.requests import RequestModel

_AHEAD = timedelta(minutes=5)
_OF_PAGE = ("url", "title", "at")
"""Columns of a CSV file that describe a page; the others describe the visit."""

_MOST_SEEN = 20
"""Pages of a visit that are stored."""

_REQUIRED = ("visitId", "visitedAt")
Item = tuple[int, Any]
"""The number of a line, or of an object in an array, and what it says."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line that is no visit, or whose visit cannot be kept."""

    line: int
    field: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Return it for an answer."""
        return {"line": self.line, "field": self.field, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class VisitReports:
    """Visits by id, each with its line; of a visit that is reported twice, the last one."""

    visits: dict[str, tuple[int, WebsiteVisit]] = field(default_factory=dict)
    rejected: list[Rejection] = field(default_factory=list)


class _Page(RequestModel):
    """A page that was seen."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")

    url: str = Field(max_length=4000)
    title: str = ""
    at: AwareDatetime | None = None

    @property
    def line(self) -> str:
        """Return title and address, without the query, on one line."""
        return " ".join(filter(None, (*self.title.split(), without_query(self.url))))


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
            seen=tuple(page.line for page in self.pages[:_MOST_SEEN]),
            score=self.score,
        )


def read_reports(items: Iterable[Item], now: datetime) -> VisitReports:
    """Check each item; those that are no visits are rejected one by one."""
    found = VisitReports()
    for line, item in items:
        try:
            visit = _Visit.model_validate(item).visit()
        except ValidationError as error:
            first = error.errors()[0]
            found.rejected.append(Rejection(line, ".".join(map(str, first["loc"])), first["msg"]))
            continue
        except ValueError as error:
            found.rejected.append(Rejection(line, "email", str(error)))
            continue
        if visit.begun > now + _AHEAD:
            found.rejected.append(Rejection(line, "visitedAt", "lies in the future"))
        else:
            found.visits[visit.id] = line, visit
    return found


def items_of_json(text: str) -> Sequence[Item]:
    """Read a JSON array, or one JSON object in each line; ValueError if it is neither."""
    try:
        plain = text.strip()
        found = (
            json.loads(plain)
            if plain.startswith("[")
            else [json.loads(line) for line in plain.splitlines() if line.strip()]
        )
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    return list(enumerate(found, start=1))


def items_of_csv(text: str) -> Sequence[Item]:
    """Read CSV with a header line; lines with one `visitId` are pages of one visit. ValueError if columns lack.

    The separator is a comma, or the semicolon that spreadsheets of many countries write.
    """
    header, _, _ = text.partition("\n")
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=";" if header.count(";") > header.count(",") else ","
    )
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    if missing := [name for name in _REQUIRED if name not in reader.fieldnames]:
        raise ValueError(f"its first line names no column {' and '.join(missing)}")
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    try:
        for cells in _filled(reader):
            page = {name: cells.pop(name) for name in _OF_PAGE if name in cells}
            _, visit = found.setdefault(cells.get("visitId", f" {reader.line_num}"), (reader.line_num, {"pages": []}))
            visit.update(cells)
            visit["pages"] += [page] if page else []
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num} is no CSV: {error}") from None
    return list(found.values())


def _filled(rows: Iterable[dict[Any, Any]]) -> Iterator[dict[str, str]]:
    """Yield the cells of each line that are not empty."""
    for row in rows:
        yield {name: cell.strip() for name, cell in row.items() if isinstance(cell, str) and cell.strip()}


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
