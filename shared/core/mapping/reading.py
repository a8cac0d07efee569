"""What must be read from Dataverse for a mapping: one query per person table, never a column more than is used."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from typing import assert_never

from shared.core.mapping.expression import Column, Constant, CustomerType, Expression, MapTo, Related
from shared.core.mapping.model import Mapping
from shared.core.records import PersonTable

STATE = "statecode"
DO_NOT_EMAIL = "donotemail"
DO_NOT_BULK_EMAIL = "donotbulkemail"
MERGED = "merged"
ORIGINATING_LEAD = "originatingleadid"

_RULE_COLUMNS: MappingABC[PersonTable, frozenset[str]] = {
    PersonTable.CONTACT: frozenset({STATE, DO_NOT_EMAIL, DO_NOT_BULK_EMAIL, MERGED, ORIGINATING_LEAD}),
    PersonTable.LEAD: frozenset({STATE, DO_NOT_EMAIL, DO_NOT_BULK_EMAIL, MERGED}),
    PersonTable.ACCOUNT: frozenset({STATE, DO_NOT_EMAIL, DO_NOT_BULK_EMAIL, MERGED}),
}
"""Columns that the rules of the engine need, mapped or not."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The columns to select, and per lookup (with its table, empty if it has one target) the related columns."""

    columns: frozenset[str]
    related: MappingABC[tuple[str, str], frozenset[str]]
    permissions: bool


def reading_of(mapping: Mapping, table: PersonTable) -> Reading:
    """Collect what the rows of one table read."""
    columns = set(_RULE_COLUMNS[table])
    related: dict[tuple[str, str], set[str]] = {}
    permissions = False
    for source in _sources(mapping, table):
        match source:
            case Column(name):
                columns.add(name)
            case Related(lookup, target, column):
                related.setdefault((lookup, target), set()).add(column)
            case MapTo():
                permissions = True
            case CustomerType() | Constant():
                pass
            case _:
                assert_never(source)
    return Reading(
        columns=frozenset(columns),
        related={lookup: frozenset(names) for lookup, names in related.items()},
        permissions=permissions,
    )


def _sources(mapping: Mapping, table: PersonTable) -> list[Expression]:
    return [row.sources[table] for row in mapping.for_table(table)]
