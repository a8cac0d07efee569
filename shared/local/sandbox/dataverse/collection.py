"""Answers that hold many rows: `$filter` queries, FetchXML, change tracking; pages and counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from shared.local.sandbox.dataverse import fetchxml, paging, tracking
from shared.local.sandbox.dataverse.exchange import ApiRequest, ApiResponse
from shared.local.sandbox.dataverse.exchange import answer as json_answer
from shared.local.sandbox.dataverse.filters import related_rows
from shared.local.sandbox.dataverse.preferences import MAX_PAGE_SIZE
from shared.local.sandbox.dataverse.query_options import QueryOptions
from shared.local.sandbox.dataverse.reading import Reader
from shared.local.sandbox.dataverse.schema import Navigation, Table
from shared.local.sandbox.dataverse.store import Row

_MORE = "Microsoft.Dynamics.CRM.morerecords"
_COOKIE = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
_TOTAL = "Microsoft.Dynamics.CRM.totalrecordcount"
_TOTAL_EXCEEDED = "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"
_STREAMING = "application/json; odata.metadata=minimal; odata.streaming=true"
_SAFE = "$,()'/=@!"


def answer(
    reader: Reader,
    table: Table,
    options: QueryOptions,
    request: ApiRequest,
    path: str,
    among: Iterable[Row] | None = None,
) -> ApiResponse:
    """Answer a GET on a collection. `among` limits it to related rows, `path` is where it was asked."""
    if options.fetch_xml is not None:
        document = _fetched(reader, table, options.fetch_xml)
    elif options.delta_token is not None or reader.preferences.track_changes:
        document = _tracked(reader, table, options, request, path)
    else:
        document = _queried(reader, table, options, request, path, among)
    applied = reader.preferences.applied
    headers = {"Content-Type": _STREAMING, **({"Preference-Applied": applied} if applied else {})}
    return json_answer(document, headers=headers)


def count(reader: Reader, table: Table, options: QueryOptions, among: Iterable[Row] | None = None) -> ApiResponse:
    """Answer `…/$count`: the number as text, at most 5 000."""
    number = min(len(reader.rows(table, options, among)), MAX_PAGE_SIZE)
    return ApiResponse(200, {"Content-Type": "text/plain", "OData-Version": "4.0"}, str(number).encode())


def related(reader: Reader, navigation: Navigation, row: Row, table: Table) -> Iterable[Row]:
    """Return the rows behind a navigation property of a row."""
    return related_rows(reader.store, navigation, row, table)


def _queried(
    reader: Reader,
    table: Table,
    options: QueryOptions,
    request: ApiRequest,
    path: str,
    among: Iterable[Row] | None,
) -> dict[str, Any]:
    shape = reader.shape(table, options)
    found = reader.rows(table, options, among)
    document = _head(reader, table, options)
    if options.count:
        document["@odata.count"] = min(len(found), MAX_PAGE_SIZE)
    _annotate_total(reader, document, len(found) if options.count else None)
    if options.top is not None:
        document["value"] = [shape(row) for row in found[: min(options.top, MAX_PAGE_SIZE)]]
        return document
    start = paging.from_skiptoken(options.skip_token) if options.skip_token else None
    page = paging.cut(found, [row[table.primary_id] for row in found], reader.preferences.page_size, start)
    document["value"] = [shape(row) for row in page.rows]
    if page.next is not None:
        cookie = paging.paging_cookie(page.next, table.primary_id)
        document["@odata.nextLink"] = _link(reader, path, request.query, "$skiptoken", cookie)
    return document


def _tracked(
    reader: Reader, table: Table, options: QueryOptions, request: ApiRequest, path: str
) -> dict[str, Any]:
    tracking.check(options)
    shape = reader.shape(table, options)
    if options.delta_token is None:
        entries = [shape(row) for row in reader.store.rows(table.name).values()]
        context = ""
    else:
        entries = [shape(row) for row in tracking.since(reader.store, table, options.delta_token)]
        entries += tracking.gone(reader.store, table, options.delta_token, reader.base_url)
        context = "/$delta"
    token = tracking.token(reader.store, reader.circumstances.now)
    document = _head(reader, table, options)
    document["@odata.context"] += context
    document["@odata.deltaLink"] = _link(reader, path, request.query, "$deltatoken", token)
    document["value"] = entries
    return document


def _fetched(reader: Reader, table: Table, text: str) -> dict[str, Any]:
    result = fetchxml.run(text, table, reader)
    document: dict[str, Any] = {"@odata.context": f"{reader.base_url}/$metadata#{table.set_name}"}
    wants = reader.preferences.wants
    _annotate_total(reader, document, result.total)
    if wants(_MORE):
        document[f"@{_MORE}"] = result.next is not None
    if wants(_COOKIE) and result.next is not None:
        document[f"@{_COOKIE}"] = paging.paging_cookie(result.next, table.primary_id)
    document["value"] = result.documents
    return document


def _head(reader: Reader, table: Table, options: QueryOptions) -> dict[str, Any]:
    names = [*(options.select or ()), *(f"{one.navigation}()" for one in options.expand)]
    fields = f"({','.join(names)})" if names else ""
    return {"@odata.context": f"{reader.base_url}/$metadata#{table.set_name}{fields}"}


def _annotate_total(reader: Reader, document: dict[str, Any], total: int | None) -> None:
    if reader.preferences.wants(_TOTAL):
        document[f"@{_TOTAL}"] = -1 if total is None else min(total, MAX_PAGE_SIZE)
        document[f"@{_TOTAL_EXCEEDED}"] = total is not None and total > MAX_PAGE_SIZE


def _link(reader: Reader, path: str, query: Mapping[str, str], name: str, value: str) -> str:
    kept = {key: text for key, text in query.items() if key != name}
    return f"{reader.base_url}/{path}?{urlencode({**kept, name: value}, safe=_SAFE, quote_via=quote)}"
