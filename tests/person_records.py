"""Person records as a read for a mapping leaves them: everything that the mapping reads is there, empty or not."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from typing import Any
from uuid import UUID

from shared.domain.mapping.language.expression import Related
from shared.domain.mapping.model import Mapping
from shared.domain.mapping.reading import reading_of
from shared.domain.records.records import Choices, PermissionRow, PersonRecord, PersonTable, RecordKey

NOTHING: MappingABC[str, Any] = {}


def person(
    mapping: Mapping,
    table: PersonTable = PersonTable.CONTACT,
    values: MappingABC[str, Any] = NOTHING,
    *,
    labels: MappingABC[str, str] = NOTHING,
    permissions: MappingABC[str, bool] = NOTHING,
    lists: MappingABC[str, bool] = NOTHING,
    periodieken: MappingABC[str, bool] = NOTHING,
) -> PersonRecord:
    """Make a record. Values may hold `{"choices": {1: "Golf"}}`; a value that the mapping does not read is an error."""
    empty = dict.fromkeys(names_read(mapping, table))
    if unread := values.keys() - empty.keys():
        raise KeyError(f"the mapping does not read {sorted(unread)}")
    return PersonRecord(
        key=RecordKey(table, UUID(int=1)),
        values={**empty, "statecode": 0, **{name: _value(value) for name, value in values.items()}},
        labels=labels,
        permissions=_rows(permissions),
        lists=_rows(lists),
        periodieken=_rows(periodieken),
    )


def names_read(mapping: Mapping, table: PersonTable) -> set[str]:
    """Everything that a read for the mapping brings, as named in `PersonRecord.values`."""
    reading = reading_of(mapping, table)
    related = (
        str(Related(lookup, target, column))
        for (lookup, target), columns in reading.related.items()
        for column in columns
    )
    return {*reading.columns, *related, *map(str, reading.children), *map(str, reading.queries)}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return Choices(tuple(value["choices"]), tuple(value["choices"].values()))
    return value


def _rows(switched: MappingABC[str, bool]) -> tuple[PermissionRow, ...]:
    return tuple(PermissionRow(name, subscribed=subscribed) for name, subscribed in switched.items())
