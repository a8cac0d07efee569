"""What can only be seen on all rows of a table together: double targets, missing columns and missing steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from shared.core.mapping.expression import Column, Home, Source
from shared.core.mapping.filters import And, Comparison, Empty, Field, Filter, Not, Or, Value, Within, filter_columns
from shared.core.mapping.findings import Code, Finding, Severity
from shared.core.mapping.model import Mapping, MappingRow
from shared.core.mapping.reading import reading_of
from shared.core.mapping.resolution import Resolved, Unresolved, resolve
from shared.core.records import PersonTable
from shared.core.schema import ColumnDefinition, EventStep, Required, Schema

_PERMISSION_TABLE = "dh_spotlerpermission"
_MESSAGES = ("Create", "Update", "Delete")
_UPDATE = "Update"


@dataclass(frozen=True, slots=True)
class TableCheck:
    """Checks the rows of one table together."""

    mapping: Mapping
    table: PersonTable
    schema: Schema
    steps: tuple[EventStep, ...] | None

    def findings(self) -> Iterator[Finding]:
        """Yield what is the matter with the table."""
        rows = self.mapping.for_table(self.table)
        yield from self._double_targets(rows)
        yield from self._required(rows)
        if (condition := self.mapping.filters.get(self.table)) is not None:
            yield from self._filter(condition)
        if self.steps is not None:
            yield from self._steps(self.steps)

    # -------------------------------------------------------------------------------------------------- to Dataverse

    def _double_targets(self, rows: tuple[MappingRow, ...]) -> Iterator[Finding]:
        count = Counter(name for row in rows if (name := self._target(row)))
        for name in sorted(name for name, times in count.items() if times > 1):
            text = f"Several rows write to {name}: keep one of them, set the others to ->"
            yield self._finding(Severity.ERROR, Code.DUPLICATE_TARGET, text)

    def _required(self, rows: tuple[MappingRow, ...]) -> Iterator[Finding]:
        table = self.schema.tables.get(self.table)
        written = {name for row in rows if (name := self._target(row))}
        if table is None or not written:
            return
        missing = sorted(
            column.name
            for column in table.columns.values()
            if column.required is Required.APPLICATION and column.writable and column.name not in written
        )
        if missing:
            text = (
                f"Records that come from Spotler will lack what {self.table} requires: map {', '.join(missing)} as well"
            )
            yield self._finding(Severity.WARNING, Code.REQUIRED_UNMAPPED, text)

    def _target(self, row: MappingRow) -> str:
        source = row.sources[self.table]
        return source.name if row.direction.reaches_dataverse and isinstance(source, Column) else ""

    # -------------------------------------------------------------------------------------------------------- filter

    def _filter(self, condition: Filter) -> Iterator[Finding]:
        for field in dict.fromkeys(filter_columns(condition)):
            found = resolve(field, self.table, self.schema)
            if isinstance(found, Unresolved):
                yield self._finding(Severity.ERROR, Code(found.gap), f"Filter: {found.text}")
        for field, value in _compared(condition):
            column = self._column(field)
            if column is not None and column.options and not _is_option(value, column):
                text = f"The filter of {self.table} asks for an option that {column.name} does not have: correct it"
                yield self._finding(Severity.WARNING, Code.UNKNOWN_OPTION, text)

    def _column(self, source: Source) -> ColumnDefinition | None:
        found = resolve(source, self.table, self.schema)
        return found.column if isinstance(found, Resolved) else None

    # --------------------------------------------------------------------------------------------------------- steps

    def _steps(self, steps: tuple[EventStep, ...]) -> Iterator[Finding]:
        """MAP-35: what the steps do not tell, the connector learns at the next reconciliation only."""
        reading = reading_of(self.mapping, self.table)
        tables = [str(self.table)]
        if Home.PERMISSIONS in reading.homes:
            tables.append(_PERMISSION_TABLE)
        for name in tables:
            told = {step.message for step in steps if step.table == name}
            if missing := [message for message in _MESSAGES if message not in told]:
                text = f"No step tells the connector of {', '.join(missing)} of {name}: register it"
                yield self._finding(Severity.WARNING, Code.STEP_MISSING, text)
        updates = [step.columns for step in steps if (step.table, step.message) == (self.table, _UPDATE)]
        if not updates or not all(updates):
            return  # a step without columns hears of every update
        if unheard := sorted(name for name in reading.watched.difference(*updates) if self._may_change(name)):
            text = f"The step for Update of {self.table} does not hear of {', '.join(unheard)}: add them to its columns"
            yield self._finding(Severity.WARNING, Code.COLUMN_WITHOUT_STEP, text)

    def _may_change(self, name: str) -> bool:
        return self.schema.column(self.table, name) is not None

    def _finding(self, severity: Severity, code: Code, text: str) -> Finding:
        return Finding(severity, code, text, table=self.table)


def _compared(condition: Filter) -> Iterator[tuple[Field, Value]]:
    match condition:
        case Comparison(field, _, value):
            yield field, value
        case Within(field, values):
            yield from ((field, value) for value in values)
        case Not(inner):
            yield from _compared(inner)
        case And(conditions) | Or(conditions):
            for inner in conditions:
                yield from _compared(inner)
        case Empty():
            pass


def _is_option(value: Value, column: ColumnDefinition) -> bool:
    match value:
        case bool() | int():
            return int(value) in {option.value for option in column.options}
        case Decimal():
            return value in {Decimal(option.value) for option in column.options}
        case str():
            labels = {label for option in column.options for label in (*option.labels.values(), option.label)}
            spellings = {label.casefold() for label in labels} | {str(option.value) for option in column.options}
            return value.strip().casefold() in spellings | ({"true", "false"} if _is_two_options(column) else set())


def _is_two_options(column: ColumnDefinition) -> bool:
    return {option.value for option in column.options} == {0, 1}
