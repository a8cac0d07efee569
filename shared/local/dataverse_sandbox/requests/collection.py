"""Answers that hold many rows: `$filter` queries, FetchXML; pages and counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.local.dataverse_sandbox.http.exchange import ApiResponse
from shared.local.dataverse_sandbox.http.exchange import answer as json_answer
from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.organisation.errors import not_implemented
from shared.local.dataverse_sandbox.queries import fetchxml
from shared.local.dataverse_sandbox.requests import paging
from shared.local.dataverse_sandbox.requests.preferences import (
    MAX_PAGE_SIZE,
    MORE_RECORDS,
    PAGING_COOKIE,
    TOTAL,
    TOTAL_EXCEEDED,
)
from shared.local.dataverse_sandbox.requests.query_options import QueryOptions
from shared.local.dataverse_sandbox.rows.reading import Reader
from shared.local.dataverse_sandbox.rows.store import Row

_STREAMING = "application/json; odata.metadata=minimal; odata.streaming=true"


@dataclass(frozen=True, slots=True)
class Listing:
    """A GET on a collection: its path, and the related rows that it is limited to, if any."""

    reader: Reader
    table: Table
    options: QueryOptions
    path: str
    among: Iterable[Row] | None = None

    def answer(self) -> ApiResponse:
        """Answer the request; WebApiError for names and values that do not fit the table."""
        fetch_xml = self.options.fetch_xml
        if self.among is not None and fetch_xml is not None:
            raise not_implemented("FetchXML on the related rows of a row")
        document = _fetched(self.reader, self.table, fetch_xml) if fetch_xml is not None else self._queried()
        applied = self.reader.preferences.applied
        headers = {"Content-Type": _STREAMING, **({"Preference-Applied": applied} if applied else {})}
        return json_answer(document, headers=headers)

    def _queried(self) -> dict[str, Any]:
        reader, table, options = self.reader, self.table, self.options
        shape = reader.shape(table, options)
        found = reader.rows(table, options, self.among)
        document = _head(reader, table, options)
        if options.count:
            document["@odata.count"] = min(len(found), MAX_PAGE_SIZE)
        _annotate_total(reader, document, len(found) if options.count else None)
        if options.top is not None and not reader.preferences.pages:  # with a page size, $top is ignored
            document["value"] = [shape(row) for row in found[: min(options.top, MAX_PAGE_SIZE)]]
            return document
        start = paging.from_skiptoken(options.skip_token) if options.skip_token else None
        page = paging.cut(found, [row[table.primary_id] for row in found], reader.preferences.page_size, start)
        document["value"] = [shape(row) for row in page.rows]
        if page.next is not None:
            cookie = paging.paging_cookie(page.next, table.primary_id)
            document["@odata.nextLink"] = self._next_link(cookie)
        return document

    def _next_link(self, cookie: str) -> str:
        return paging.link(f"{self.reader.base_url}/{self.path}", {**self.options.texts, "$skiptoken": cookie})


def count(reader: Reader, table: Table, options: QueryOptions, among: Iterable[Row] | None = None) -> ApiResponse:
    """Answer `…/$count`: the number as text, at most 5,000, after a byte order mark."""
    number = min(len(reader.rows(table, options, among)), MAX_PAGE_SIZE)
    return ApiResponse(200, {"Content-Type": "text/plain", "OData-Version": "4.0"}, str(number).encode("utf-8-sig"))


def _fetched(reader: Reader, table: Table, text: str) -> dict[str, Any]:
    result = fetchxml.run(text, table, reader)
    document: dict[str, Any] = {"@odata.context": f"{reader.base_url}/$metadata#{table.set_name}"}
    wants = reader.preferences.wants
    _annotate_total(reader, document, result.total)
    if wants(MORE_RECORDS):
        document[f"@{MORE_RECORDS}"] = result.next is not None
    if wants(PAGING_COOKIE) and result.next is not None:
        document[f"@{PAGING_COOKIE}"] = paging.paging_cookie(result.next, table.primary_id)
    document["value"] = result.documents
    return document


def _head(reader: Reader, table: Table, options: QueryOptions) -> dict[str, Any]:
    names = [*(options.select or ()), *(f"{one.navigation}()" for one in options.expand)]
    fields = f"({','.join(names)})" if names else ""
    return {"@odata.context": f"{reader.base_url}/$metadata#{table.set_name}{fields}"}


def _annotate_total(reader: Reader, document: dict[str, Any], total: int | None) -> None:
    if reader.preferences.wants(TOTAL):
        document[f"@{TOTAL}"] = -1 if total is None else min(total, MAX_PAGE_SIZE)
        document[f"@{TOTAL_EXCEEDED}"] = total is not None and total > MAX_PAGE_SIZE
