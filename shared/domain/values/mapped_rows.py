"""The rows of a mapping for one table and one account: what is the same for all records, worked out once."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from shared.domain.mapping.language.evaluate import Evaluate
from shared.domain.mapping.language.expression import MapTo, OptionSource
from shared.domain.mapping.model import Direction, MappingRow
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition
from shared.domain.records.records import PersonTable


@dataclass(frozen=True, slots=True)
class MappedRow:
    """A row with its property, its foreign property if the account has that, and its compiled expression.

    `country_column` is the column of the country next to the column of a post code; "" for other rows.
    """

    row: MappingRow
    definition: PropertyDefinition
    foreign: PropertyDefinition | None
    option_source: OptionSource | None
    evaluate: Evaluate
    country_column: str


Kept = TypeVar("Kept")


class Same(Generic[Kept]):
    """An argument of a cached function that is compared by identity, never by content."""

    __slots__ = ("kept",)

    def __init__(self, kept: Kept) -> None:
        """Keep the object, so that no other one gets its identity."""
        self.kept = kept

    def __hash__(self) -> int:
        return id(self.kept)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.kept is other.kept


def mapped_rows(
    rows: tuple[MappingRow, ...], table: PersonTable, catalogue: PropertyCatalogue, directions: frozenset[Direction]
) -> tuple[MappedRow, ...]:
    """Return the rows of these directions whose property the account has (MAP-27)."""
    return _mapped_rows(Same(rows), table, Same(catalogue), directions)


@lru_cache(maxsize=128)
def _mapped_rows(
    rows: Same[tuple[MappingRow, ...]],
    table: PersonTable,
    account: Same[PropertyCatalogue],
    directions: frozenset[Direction],
) -> tuple[MappedRow, ...]:
    named = account.kept.named
    return tuple(
        MappedRow(
            row,
            definition,
            named(row.foreign),
            option_source(row, table),
            row.evaluation(table),
            _country_column(str(row.sources[table])),
        )
        for row in rows.kept
        if row.direction in directions and (definition := named(row.property_name)) is not None
    )


def option_source(row: MappingRow, table: PersonTable) -> OptionSource | None:
    """Return which Dataverse rows hold the options of a mapping row; None if the mapping row reads a value."""
    source = row.sources[table]
    return source.option_source if isinstance(source, MapTo) else None


def _country_column(source: str) -> str:
    country = source.replace("postalcode", "country")
    return country if country != source else ""
