"""A mapping: rows that say which Dataverse column fills which Spotler property (MAP-01, MAP-07..MAP-13)."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from enum import StrEnum

from shared.core.mapping.expression import Column, Expression
from shared.core.records import PersonTable

EMAIL = "email"
"""The Spotler property that every account has and that identifies a person there (DUP-03)."""


class Direction(StrEnum):
    """Which way a row's value travels (MAP-11)."""

    TO_SPOTLER = "->"
    TO_DATAVERSE = "<-"
    BOTH = "<->"

    @property
    def reaches_spotler(self) -> bool:
        """Whether Dataverse's value is sent to Spotler."""
        return self is not Direction.TO_DATAVERSE


class OnInvalid(StrEnum):
    """What becomes of the record when a value does not fit the Spotler property."""

    FAIL = "fail"
    """The record is not written and says which field is wrong (VAL-05)."""
    OMIT = "omit"
    """The record goes on without this field and says so."""


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One row. `sources` has an expression for each table on which the row applies.

    `foreign` names the property that takes a value which is well formed but not Dutch (VAL-07); `choices` translates
    option values of a choice column; `only` lets a record pass only while the column has this value (MAP-12).
    """

    spotler: str
    sources: MappingABC[PersonTable, Expression]
    direction: Direction = Direction.TO_SPOTLER
    only: str | None = None
    choices: MappingABC[str, str] = field(default_factory=dict)
    foreign: str = ""
    on_invalid: OnInvalid | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """All rows, in the order in which they were written down."""

    rows: tuple[MappingRow, ...]

    def for_table(self, table: PersonTable) -> tuple[MappingRow, ...]:
        """Return the rows that apply to a table."""
        return tuple(row for row in self.rows if table in row.sources)

    def email_column(self, table: PersonTable) -> str | None:
        """Return the column that holds the e-mail address of a table's rows, None if the table is not mapped."""
        for row in self.for_table(table):
            source = row.sources[table]
            if row.spotler == EMAIL and isinstance(source, Column):
                return source.name
        return None
