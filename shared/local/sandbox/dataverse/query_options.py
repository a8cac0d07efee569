"""The system query options `$select`, `$expand`, `$orderby`, `$top` … as values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.local.sandbox.dataverse.errors import bad_request, not_implemented

_UNKNOWN = frozenset({"$skip", "$search", "$compute", "$format"})
_EXPANSION = re.compile(r"\s*([\w.]+)\s*(?:\((.*)\))?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Order:
    """One key of `$orderby`; `path` may lead over a lookup."""

    path: tuple[str, ...]
    descending: bool


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What a URL asks for; names are not yet checked against a table."""

    select: tuple[str, ...] | None = None
    filter: str | None = None
    expand: tuple[Expansion, ...] = ()
    order: tuple[Order, ...] = ()
    top: int | None = None
    count: bool = False
    skip_token: str | None = None
    delta_token: str | None = None
    fetch_xml: str | None = None


@dataclass(frozen=True, slots=True)
class Expansion:
    """One entry of `$expand`."""

    navigation: str
    options: QueryOptions


def parse(query: Mapping[str, str]) -> QueryOptions:
    """Read the query string; WebApiError 400 for options that Dataverse refuses, 501 for what is not simulated."""
    for name in query:
        if name in _UNKNOWN:
            raise bad_request(f"The query parameter {name} is not supported")
    if "$apply" in query or "sql" in query:
        raise not_implemented("$apply and sql")
    top = query.get("$top")
    if top is not None and not top.isdigit():
        raise bad_request(f"Invalid value '{top}' for $top query option found.")
    select = query.get("$select")
    return QueryOptions(
        select=tuple(name.strip() for name in select.split(",") if name.strip()) if select else None,
        filter=query.get("$filter") or None,
        expand=tuple(_expansion(text) for text in _split(query.get("$expand", ""), ",")),
        order=tuple(_order(text) for text in query.get("$orderby", "").split(",") if text.strip()),
        top=int(top) if top is not None else None,
        count=query.get("$count", "false").lower() == "true",
        skip_token=query.get("$skiptoken"),
        delta_token=query.get("$deltatoken"),
        fetch_xml=query.get("fetchXml") or query.get("fetchxml"),
    )


def _order(text: str) -> Order:
    path, _, direction = text.strip().partition(" ")
    if direction.strip() not in {"", "asc", "desc"}:
        raise bad_request(f"Syntax error in the orderby clause '{text}'.")
    return Order(tuple(path.split("/")), direction.strip() == "desc")


def _expansion(text: str) -> Expansion:
    match = _EXPANSION.fullmatch(text)
    if not match:
        raise bad_request(f"Term '{text}' is not valid in a $select or $expand expression.")
    inner = dict(part.strip().split("=", 1) for part in _split(match[2] or "", ";") if "=" in part)
    return Expansion(match[1], parse(inner))


def _split(text: str, separator: str) -> Iterator[str]:
    """Split at separators that stand neither in brackets nor in a string."""
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
