"""Walking a feed of Mail+: slices of time, pages within a slice, every item once.

The service's paging is documented by field names only, so the loop assumes as little as possible: it goes on with the
`after` it was given and stops as soon as that cannot lead anywhere. The link in `next` is never followed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from shared.spotler.models import ListAnswer

Item = TypeVar("Item")

PAGE_SIZE = 100
LONGEST_WINDOW = timedelta(hours=24)
"""The longest span that the service allows is not published."""

OVERLAP = timedelta(minutes=5)
"""Between two windows, for what is dated late."""

Fetch = Callable[[Mapping[str, str]], Awaitable[ListAnswer[Item]]]
"""Asks for one page with these query parameters."""


def windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Slice a span; ValueError if a bound has no time zone or the span runs backwards."""
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("A feed is read between two times with a time zone")
    if start > end:
        raise ValueError("A feed is read forwards")
    edge = min(start + LONGEST_WINDOW, end)
    yield start, edge
    while edge < end:
        begin = edge - OVERLAP
        edge = min(begin + LONGEST_WINDOW, end)
        yield begin, edge


async def feed(
    fetch: Fetch[Item], start: datetime, end: datetime, *, identity: Callable[[Item], Hashable]
) -> AsyncIterator[tuple[Item, ...]]:
    """Yield the pages between two times, without the items that the previous window gave already, and none empty."""
    previous: set[Hashable] = set()
    for begin, edge in windows(start, end):
        current: set[Hashable] = set()
        async for page in pages(fetch, {"fromDate": _down(begin), "toDate": _up(edge)}):
            fresh = {mark: item for item in page if (mark := identity(item)) not in previous and mark not in current}
            current.update(fresh)
            if fresh:
                yield tuple(fresh.values())
        previous = current


async def pages(fetch: Fetch[Item], parameters: Mapping[str, str]) -> AsyncIterator[tuple[Item, ...]]:
    """Yield the pages of one list until it says that it is over, or says nothing new."""
    after: int | str | None = None
    sent: set[int | str] = set()
    while True:
        place = {} if after is None else {"after": str(after)}
        answer = await fetch({**parameters, "pageSize": str(PAGE_SIZE), **place})
        if answer.bare and len(answer.items) == PAGE_SIZE:
            # A bare array cannot say that it goes on. The prefix that answers so needs no page size: it then gives all.
            answer = await fetch(parameters)
        if not answer.items:
            return
        yield tuple(answer.items)
        paging = answer.paging
        if paging is None or paging.after is None or paging.after in sent:
            return
        if not paging.next and len(answer.items) < PAGE_SIZE:
            return
        after = paging.after
        sent.add(after)


def _down(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def _up(moment: datetime) -> str:
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return (whole if whole == moment else whole + timedelta(seconds=1)).isoformat()
