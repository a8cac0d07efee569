"""OData literals, names, filters and paths: the only place where values become part of a URL.

Source: OData 4.0 URL conventions, and Microsoft's page "Query data using the Web API".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from urllib.parse import quote
from uuid import UUID

Value = str | int | float | Decimal | bool | UUID | datetime | date | None

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LOOKUP = re.compile(r"_(.+)_value")
# Left readable in a query string; everything else is percent-encoded.
_QUERY_SAFE = "$(),':/*@="


class ODataComparison(StrEnum):
    """Operators between a column and a value."""

    EQUAL = "eq"
    NOT_EQUAL = "ne"

    LESS = "lt"
    LESS_OR_EQUAL = "le"
    GREATER_OR_EQUAL = "ge"


@dataclass(frozen=True, slots=True)
class Expand:
    """Related rows to read: a navigation property and its columns."""

    navigation: str
    select: Sequence[str]

    def __str__(self) -> str:
        return f"{name(self.navigation)}($select={','.join(map(name, self.select))})"


def name(text: str) -> str:
    """Return a table, column or navigation name unchanged; ValueError if it could be anything more."""
    if not _NAME.fullmatch(text):
        raise ValueError("not a name of a table, column or navigation property")
    return text


def column_path(text: str) -> str:
    """Return a column, or a column of a related row (`dh_SpotlerInfo/dh_name`), unchanged; ValueError otherwise."""
    return "/".join(map(name, text.split("/")))


def literal(value: Value) -> str:  # noqa: PLR0911  # one return per case
    """Write a value as Dataverse reads it in a filter or key; ValueError for a time without its zone."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case UUID() | int() | Decimal():
            return str(value)
        case float():
            return repr(value)
        case datetime():
            if value.tzinfo is None:
                raise ValueError("a time needs its zone")
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()


def compare(column: str, comparison: ODataComparison, value: Value) -> str:
    """Filter on one column: `modifiedon gt 2026-01-01T00:00:00Z`."""
    return f"{column_path(column)} {comparison} {literal(value)}"


def within(column: str, values: Iterable[str | UUID]) -> str:
    """Filter on a column being one of `values`, with Dataverse's own `In` function.

    It takes logical names: a lookup is `dh_leadid` there, and `_dh_leadid_value` everywhere else.
    """
    members = ",".join(literal(str(value)) for value in values)
    logical = lookup[1] if (lookup := _LOOKUP.fullmatch(column)) else column
    return f"Microsoft.Dynamics.CRM.In(PropertyName={literal(name(logical))},PropertyValues=[{members}])"


def all_of(*filters: str) -> str:
    """Join filters with `and`; empty ones are left out."""
    return " and ".join(f"({part})" for part in filters if part)


def any_of(*filters: str) -> str:
    """Join filters with `or`."""
    return " or ".join(f"({part})" for part in filters)


def row(entity_set: str, identifier: UUID) -> str:
    """Path of one row: `contacts(6d81597f-…)`."""
    return f"{name(entity_set)}({identifier})"


def reads(path: str, options: Mapping[str, str]) -> str:
    """Append query options to a path, percent-encoded; empty ones are left out."""
    query = "&".join(f"{key}={quote(value, safe=_QUERY_SAFE)}" for key, value in options.items() if value)
    return f"{path}?{query}" if query else path
