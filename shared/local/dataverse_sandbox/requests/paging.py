"""Page cookies of FetchXML and `$skiptoken`, and the division of a sorted result into pages.

The cookie names the last row of a page; the next page begins after the present position of that row. Source of the
form: Microsoft's page "Page results using FetchXML" (the inner cookie is URL-encoded twice).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote, unquote, urlencode
from xml.sax.saxutils import quoteattr

from shared.local.dataverse_sandbox.organisation.errors import bad_request

T = TypeVar("T")

_OUTER = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)"', re.IGNORECASE)
_LAST = re.compile(r'last="\{?([0-9a-fA-F-]{36})\}?"')

_SAFE = "$,()'/=@!"


@dataclass(frozen=True, slots=True)
class PageStart:
    """The start of a page: its number, and the last row of the page before (None if only the number is known)."""

    page: int
    last: str | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a result; `next` is the start of the following page."""

    rows: Sequence[T]
    next: PageStart | None


def cut(rows: Sequence[T], ids: Sequence[str], size: int, start: PageStart | None) -> Page[T]:
    """Take one page; `ids` are the rows' ids in the same order."""
    number = start.page if start else 1
    first = (number - 1) * size
    in_place = 0 < first <= len(ids) and start is not None and ids[first - 1] == start.last
    if start and start.last in ids and not in_place:  # rows were inserted or deleted in between
        first = ids.index(start.last) + 1
    end = first + size
    following = PageStart(number + 1, ids[end - 1]) if end < len(rows) else None
    return Page(rows[first:end], following)


def link(url: str, options: Mapping[str, str]) -> str:
    """Return the URL of a next page."""
    return f"{url}?{urlencode(options, safe=_SAFE, quote_via=quote)}"


def paging_cookie(start: PageStart, primary_id: str) -> str:
    """Return the value of the annotation `fetchxmlpagingcookie`."""
    identifier = "{" + (start.last or "").upper() + "}"
    inner = f'<cookie page="{start.page - 1}"><{primary_id} last="{identifier}" first="{identifier}" /></cookie>'
    twice = quote(quote(inner, safe=""), safe="")
    return f'<cookie pagenumber="{start.page}" pagingcookie={quoteattr(twice)} istracking="False" />'


def from_skiptoken(token: str) -> PageStart:
    """Read the `$skiptoken` of a nextLink; WebApiError 400 if it is not one of ours."""
    match = _OUTER.match(token)
    if not match:
        raise bad_request("Malformed XML in the Paging Cookie", "0x80041129")
    last = _LAST.search(unquote(unquote(match[2])))
    return PageStart(int(match[1]), last[1].lower() if last else None)


def from_fetch(page: int, cookie: str | None) -> PageStart | None:
    """Read the attributes `page` and `paging-cookie` of a `fetch` element."""
    if page <= 1:
        return None
    last = _LAST.search(cookie or "")
    if cookie and not last:
        raise bad_request("Malformed XML in the Paging Cookie", "0x80041129")
    return PageStart(page, last[1].lower() if last else None)
