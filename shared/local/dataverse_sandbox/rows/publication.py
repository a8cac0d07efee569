"""Customisations have two states: the latest one, which is written, and the published one, which users and GET see.

The published state is kept inside the latest row, so that both change and are undone together.
Source: Microsoft's pages "Publish customizations" and "RetrieveUnpublishedMultiple Function". That a new row is
invisible until it is published, for all of these tables, is inferred.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import Any

from shared.local.dataverse_sandbox.rows.store import Row, Store

PUBLISHED = "@published"
"""The place of the published state in a row; no column has this name."""

PUBLISHABLE = frozenset(
    {"systemform", "savedquery", "savedqueryvisualization", "webresource", "appaction", "appmodule", "sitemap"}
)
"""Tables whose rows are published."""

_PUBLISHED_STATE = 0
_UNPUBLISHED_STATE = 1


class View(Enum):
    """Which state of customisations a request sees."""

    PUBLISHED = auto()
    LATEST = auto()


def seen(view: View, table: str, row: Row) -> Row | None:
    """Return the state of a row that a request sees; None for a row that was never published."""
    if view is View.LATEST or table not in PUBLISHABLE:
        return row
    published: Row | None = row.get(PUBLISHED)
    return published


def all_seen(view: View, table: str, rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the states of rows that a request sees."""
    states = (seen(view, table, row) for row in rows)
    return (state for state in states if state is not None)


def unpublished(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Mark a row that was written as not published; rows of other tables stay as they are."""
    return {**row, "componentstate": _UNPUBLISHED_STATE} if table in PUBLISHABLE else row


def publish(store: Store, table: str, identifier: str) -> None:
    """Make the latest state of a row the published one; both then have the same version."""
    row = store.rows(table)[identifier]
    state = {name: value for name, value in row.items() if name != PUBLISHED} | {"componentstate": _PUBLISHED_STATE}
    state["versionnumber"] = store.version + 1
    store.put(table, identifier, {**state, PUBLISHED: state})
