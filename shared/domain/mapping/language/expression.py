"""The syntax tree of the expressions in the Contact, Lead and Account columns of a mapping row (MAP-14..MAP-24).

- `emailaddress1`: a column of the record
- `parentcustomerid(account).name`: a column of a related row, one relationship away (MAP-06, MAP-19, C-29)
- `slaid().name`: the same where the lookup has one target (MAP-20)
- `address1_line1;address1_line2`: the first that is not empty (MAP-21)
- `$CustomerType`: contact, lead or account (MAP-14)
- `$value:PRD`: a fixed value (MAP-15)
- `@map(permissions)`: the person's Spotler Permission rows; `list` and `periodiek` alike (MAP-16..MAP-18)
- `@concat(firstname, " ", lastname)`: joined values (MAP-22)
- `@child(dh_permissions).first(createdon DESC).name`: a column of the first child row (MAP-23)
- `@odata:contacts?$select=fullname&$filter=_parentcustomerid_value eq $ID`: the result of a query (MAP-24)

`str` prints an expression so that `parser.parse_expression` gives the same one back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


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
    """A fixed value; everything after the colon, blanks included. Stands alone."""

    text: str

    def __str__(self) -> str:
        return f"$value:{self.text}"


@dataclass(frozen=True, slots=True)
class Literal:
    """A fixed text within `@concat` or `a;b`. A quote in it is written twice."""

    text: str

    def __str__(self) -> str:
        return quoted(self.text)


class OptionSource(StrEnum):
    """Where the options of a set property live in Dataverse."""

    PERMISSIONS = "permissions"
    """Spotler Permission rows (MAP-16)."""
    LIST = "list"
    """Membership of marketing lists (MAP-17, PERM-07)."""
    PERIODIEK = "periodiek"
    """Subscriptions of iFunds Engage 365 (MAP-18, IF-02)."""


@dataclass(frozen=True, slots=True)
class MapTo:
    """A set property kept as rows of its own."""

    option_source: OptionSource

    def __str__(self) -> str:
        return f"@map({self.option_source})"


class Order(StrEnum):
    """Which child row comes first."""

    ASCENDING = "ASC"
    DESCENDING = "DESC"


@dataclass(frozen=True, slots=True)
class Child:
    """A column of the first of the rows that point to the record.

    `lookup` is the child's column that points back; empty when there is only one.
    """

    table: str
    lookup: str
    sort: str
    order: Order
    column: str

    def __str__(self) -> str:
        path = f"{self.table}.{self.lookup}" if self.lookup else self.table
        return f"@child({path}).first({self.sort} {self.order}).{self.column}"


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first of two or more that is not empty. Only the last may be one that never is."""

    operands: tuple[Operand, ...]

    def __str__(self) -> str:
        return ";".join(str(operand) for operand in self.operands)


@dataclass(frozen=True, slots=True)
class Concat:
    """Texts in a row, not all of them fixed; empty when all that is not fixed is empty."""

    parts: tuple[Operand | Coalesce, ...]

    def __str__(self) -> str:
        return f"@concat({', '.join(str(part) for part in self.parts)})"


ID_PLACEHOLDER = "$ID"
"""The placeholder of the record's id in a query."""


@dataclass(frozen=True, slots=True)
class QueryExpression:
    """An OData query with one column; its first row has the value. Everything after the colon. Stands alone."""

    text: str

    def __str__(self) -> str:
        return f"@odata:{self.text}"


Operand = Column | Related | CustomerType | Literal | Child | Concat
"""The parts of `a;b` and of `@concat`."""

Expression = Column | Related | CustomerType | Constant | MapTo | Child | Coalesce | Concat | QueryExpression

Source = Column | Related | Child | QueryExpression
"""A source with a value of its own in `PersonRecord.values`, under its printed form."""


def sources_of(expression: Expression | Operand) -> Iterator[Source]:
    """Every place in Dataverse that an expression reads, in the order in which it is written."""
    match expression:
        case Column() | Related() | Child() | QueryExpression():
            yield expression
        case Coalesce(operands):
            for operand in operands:
                yield from sources_of(operand)
        case Concat(parts):
            for part in parts:
                yield from sources_of(part)
        case CustomerType() | Constant() | Literal() | MapTo():
            pass
        case _:
            assert_never(expression)


def is_never_empty(expression: Operand | Coalesce) -> bool:
    """Whether an expression has a value for every record, so that nothing after it in `a;b` is ever reached."""
    match expression:
        case CustomerType() | Literal():
            return True
        case Column() | Related() | Child():
            return False
        case Coalesce(operands):
            return is_never_empty(operands[-1])
        case Concat(parts):
            return any(is_never_empty(part) for part in parts if not isinstance(part, Literal))
        case _:
            assert_never(expression)


def quoted(text: str) -> str:
    """Write a text as expressions and filters have it."""
    return '"' + text.replace('"', '""') + '"'
