"""What stands in a Contact, Lead or Account column of a mapping row: the expressions of MAP-14..MAP-20.

- `emailaddress1`: a column of the record
- `parentcustomerid(account).name`: a column of a related row, one relationship away (MAP-06, MAP-19, C-29)
- `slaid().name`: the same where the lookup has one target (MAP-20)
- `$CustomerType`: contact, lead or account (MAP-14)
- `$value:PRD`: a fixed value (MAP-15)
- `@map(permissions)`: the person's Spotler Permission rows (MAP-16)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the record itself, by logical name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Related:
    """A column of the row a lookup points to. `table` is empty when the lookup has one target."""

    lookup: str
    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.lookup}({self.table}).{self.column}"


@dataclass(frozen=True, slots=True)
class CustomerType:
    """The table of the record."""

    def __str__(self) -> str:
        return "$CustomerType"


@dataclass(frozen=True, slots=True)
class Constant:
    """A fixed value; everything after the colon, blanks included."""

    text: str

    def __str__(self) -> str:
        return f"$value:{self.text}"


class Home(StrEnum):
    """Where a set property lives in Dataverse."""

    PERMISSIONS = "permissions"


@dataclass(frozen=True, slots=True)
class MapTo:
    """A set property kept as rows of its own."""

    home: Home

    def __str__(self) -> str:
        return f"@map({self.home})"


Expression = Column | Related | CustomerType | Constant | MapTo


class ExpressionError(ValueError):
    """The text is no expression. `position` counts characters from 0."""

    def __init__(self, text: str, position: int, expected: str) -> None:
        super().__init__(f"{text!r}, position {position + 1}: expected {expected}")
        self.position = position
        self.expected = expected


_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CONSTANT = "$value:"
_CUSTOMER_TYPE = "$CustomerType"
_MAP = "@map("


def parse_expression(text: str) -> Expression:
    """Read one expression; ExpressionError says where it went wrong. `str` of the result gives the text back."""
    if text.startswith(_CONSTANT):
        return Constant(text.removeprefix(_CONSTANT))
    if text.startswith("$"):
        if text == _CUSTOMER_TYPE:
            return CustomerType()
        raise ExpressionError(text, 0, f"{_CUSTOMER_TYPE} or {_CONSTANT}…")
    if text.startswith("@"):
        return _parse_map(text)
    return _parse_column(text)


def _parse_map(text: str) -> MapTo:
    known = ", ".join(f"@map({home})" for home in Home)
    if not (text.startswith(_MAP) and text.endswith(")")):
        raise ExpressionError(text, 0, known)
    try:
        return MapTo(Home(text[len(_MAP) : -1]))
    except ValueError:
        raise ExpressionError(text, len(_MAP), known) from None


def _parse_column(text: str) -> Column | Related:
    name, position = _name(text, 0, "the logical name of a column (lower case)")
    if position == len(text):
        return Column(name)
    if text[position] != "(":
        raise ExpressionError(text, position, "the end, or ( after a lookup column")
    position += 1
    table = ""
    if position < len(text) and text[position] != ")":
        table, position = _name(text, position, "the logical name of a table, or )")
    if not text.startswith(").", position):
        raise ExpressionError(text, position, ").column")
    column, position = _name(text, position + 2, "the logical name of a column of the related table")
    if position != len(text):
        raise ExpressionError(text, position, "the end (a related column is at most one relationship away)")
    return Related(name, table, column)


def _name(text: str, position: int, expected: str) -> tuple[str, int]:
    match = _NAME.match(text, position)
    if match is None:
        raise ExpressionError(text, position, expected)
    return match.group(), match.end()
