"""What users wrote in which record, as a model that knows nothing of the engine: no value strays to another record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.domain.records.records import PersonRecord, RecordKey
from tests.histories.world import COLUMNS, DIRECTIONS

TWO_WAY = {COLUMNS[name] for name, direction in DIRECTIONS.items() if direction != "->"}
"""Columns that only the primary user of a contact exchanges with Spotler."""


@dataclass
class Sharing:
    """Every text that users wrote is unique, so that a value tells which records it may be in."""

    writers: dict[str, set[RecordKey]] = field(default_factory=dict)
    secondary: dict[RecordKey, dict[str, str | None]] = field(default_factory=dict)
    """The two-way values of records that were not primary when it was last quiet, as users left them."""

    columns: set[str] = field(default_factory=lambda: set(TWO_WAY))
    """Columns that were mapped two ways all the time: of `->` rows, the last value saved counts for all users."""

    def type(self, key: RecordKey, values: Mapping[str, str | None]) -> None:
        """A user writes texts into columns."""
        for column, value in values.items():
            if value is not None:
                self.writers.setdefault(value, set()).add(key)
            if key in self.secondary:
                self.secondary[key][column] = value

    def inherit(self, lead: RecordKey, contact: RecordKey) -> None:
        """What was written into a lead is its contact's, too."""
        for keys in self.writers.values():
            if lead in keys:
                keys.add(contact)

    def regroup(self) -> None:
        """Users of contacts come and go: who is primary may change before it is quiet again."""
        self.secondary.clear()

    def remap(self, directions: Mapping[str, str | None]) -> None:
        """The administrator changes the direction of rows."""
        self.columns -= {COLUMNS[name] for name in directions}

    def no_value_has_strayed(self, people: Mapping[RecordKey, PersonRecord]) -> None:
        for key, record in people.items():
            for column in sorted(self.columns):
                value = str(record.values.get(column) or "")
                writers = self.writers.get(value, {key})
                assert key in writers, f"{key}.{column}: {value!r} was written into another record"

    def others_kept_theirs(self, people: Mapping[RecordKey, PersonRecord]) -> None:
        for key, left in self.secondary.items():
            for column in sorted(self.columns & left.keys()):
                value = people[key].values.get(column)
                assert value == left[column], (
                    f"{key}.{column}: {value!r} was written back to another than the primary user"
                )

    def settle(self, secondary: Mapping[RecordKey, PersonRecord]) -> None:
        """It is quiet: from now on, these records change by the hands of users only."""
        self.secondary = {
            key: {column: record.values.get(column) for column in self.columns} for key, record in secondary.items()
        }
