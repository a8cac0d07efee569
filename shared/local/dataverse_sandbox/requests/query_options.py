"""The system query options `$select`, `$expand`, `$orderby`, `$top` … as values.

each option is read where it takes effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented, row_missing
from shared.local.dataverse_sandbox.queries import odata
from shared.local.dataverse_sandbox.queries.odata import Node
from shared.local.dataverse_sandbox.requests.consumption import Parts
from shared.local.dataverse_sandbox.rows.values import guid

_REFUSED = frozenset({"$skip", "$search", "$compute", "$format"})
_SYSTEM = frozenset(
    {"$select", "$filter", "$expand", "$orderby", "$top", "$count", "$skiptoken", "$deltatoken", "$apply", "$id"}
)
_VIEWS = {"savedQuery": "savedquery", "userQuery": "userquery"}
_EXPANSION = re.compile(r"\s*([\w.]+)\s*(/\$ref)?\s*(?:\((.*)\))?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Order:
    """One key of `$orderby`; `path` may lead over a lookup."""

    path: tuple[str, ...]
    descending: bool


@dataclass(frozen=True, slots=True)
class Expansion:
    """One entry of `$expand`; with `/$ref` the answer holds only the addresses of the related rows."""

    navigation: str
    options: QueryOptions
    is_reference: bool


class QueryOptions:
    """The options of a URL; names are not yet checked against a table.

    WebApiError 400 for options that Dataverse refuses. An option counts as read once its property was used.
    """

    def __init__(self, parts: Parts, aliases: Mapping[str, Any] | None = None) -> None:
        self.parts = parts
        self._aliases = aliases
        for name in parts:
            if name in _REFUSED:
                raise bad_request(f"The query parameter {name} is not supported")
            if name.startswith("$") and name not in _SYSTEM:
                raise bad_request(f"The query parameter {name} is not recognized or not supported.")
            if name in _VIEWS:  # the organisation has no views
                raise row_missing(_VIEWS[name], guid(parts[name]))

    @cached_property
    def select(self) -> tuple[str, ...] | None:
        """Columns."""
        select = self.parts.get("$select")
        return tuple(name.strip() for name in select.split(",") if name.strip()) if select else None

    @cached_property
    def filter(self) -> Node | None:
        """The condition, parsed."""
        text = self.parts.get("$filter")
        return odata.parse(text, self._aliases) if text else None

    @cached_property
    def expand(self) -> tuple[Expansion, ...]:
        """Related rows."""
        return tuple(_expansion(text) for text in _split(self.parts.get("$expand", ""), ","))

    @cached_property
    def order(self) -> tuple[Order, ...]:
        """The keys, the most significant first."""
        texts = (text for text in self.parts.get("$orderby", "").split(",") if text.strip())
        orders = (self._order(text) for text in texts)
        return tuple(order for order in orders if order is not None)

    @cached_property
    def top(self) -> int | None:
        """The largest number of rows in the answer."""
        top = self.parts.get("$top")
        if top is not None and not top.isdigit():
            raise bad_request(f"Invalid value '{top}' for $top query option found.")
        return int(top) if top is not None else None

    @property
    def count(self) -> bool:
        """Whether the answer contains the number of rows."""
        return bool(self.parts.get("$count", "false").lower() == "true")

    @property
    def skip_token(self) -> str | None:
        """The start of the page."""
        return self.parts.get("$skiptoken")

    @property
    def fetch_xml(self) -> str | None:
        """A query in FetchXML."""
        return self.parts.get("fetchXml") or self.parts.get("fetchxml")

    @property
    def texts(self) -> Mapping[str, str]:
        """All options as they were written."""
        return self.parts.as_written

    def refuse_unread(self) -> None:
        """WebApiError 501 for the first unread option, including options of expansions."""
        self.parts.refuse_unread()
        for expansion in self.expand:
            expansion.options.refuse_unread()

    def _order(self, text: str) -> Order | None:
        path, _, direction = text.strip().partition(" ")
        if direction.strip() not in {"", "asc", "desc"}:
            raise bad_request(f"Syntax error in the orderby clause '{text}'.")
        if path.startswith("@"):
            path = (self._aliases or {}).get(path, "")
        return Order(tuple(path.split("/")), direction.strip() == "desc") if path else None


def _expansion(text: str) -> Expansion:
    match = _EXPANSION.fullmatch(text)
    if not match:
        raise bad_request(f"Term '{text}' is not valid in a $select or $expand expression.")
    inner: dict[str, str] = {}
    for part in _split(match[3] or "", ";"):
        name, equals, value = part.strip().partition("=")
        if not equals:
            raise bad_request(f"Term '{part}' is not valid in a $select or $expand expression.")
        inner[name] = value
    if "$levels" in inner:
        raise not_implemented("$levels")
    return Expansion(match[1], QueryOptions(Parts(inner, f"option of $expand={match[1]}")), match[2] is not None)


def _split(text: str, separator: str) -> Iterator[str]:
    """Split at separators outside of brackets and strings."""
    depth, quoted, start = 0, False, 0
    for position, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif not quoted:
            depth += (char == "(") - (char == ")")
            if char == separator and depth == 0:
                yield text[start:position]
                start = position + 1
    if text[start:].strip():
        yield text[start:]
