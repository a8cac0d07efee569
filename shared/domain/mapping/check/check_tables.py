"""Checks all rows of a table together: double targets, missing columns and missing steps."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.mapping.check.check_filters import FilterCheck
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.language.expression import Column, OptionSource
from shared.domain.mapping.model import Mapping, MappingRow
from shared.domain.mapping.reading import reading_of
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import EventStep, Required, Schema
from shared.domain.wording.findings import FindingText
from shared.domain.wording.phrase import Phrase

_PERMISSION_TABLE = "dh_spotlerpermission"
_ROW = ("Create", "Update", "Delete")
_MESSAGES = {
    PersonTable.CONTACT: (*_ROW, "Merge"),
    PersonTable.LEAD: (*_ROW, "Merge", "QualifyLead"),
    PersonTable.ACCOUNT: (*_ROW, "Merge"),
}
"""The Update of a merge may name one record only; the message of a qualified lead names the contact (CS-29)."""

_UPDATE = "Update"


@dataclass(frozen=True, slots=True)
class TableCheck:
    """Checks the rows of one table together."""

    mapping: Mapping
    table: PersonTable
    schema: Schema
    steps: tuple[EventStep, ...] | None

    def findings(self) -> Iterator[Finding]:
        """Yield the findings for the table."""
        rows = self.mapping.for_table(self.table)
        yield from self._double_targets(rows)
        yield from self._required(rows)
        if (condition := self.mapping.filters.get(self.table)) is not None:
            yield from FilterCheck(self.table, self.schema, self.mapping.language).table_filter(condition)
        if self.steps is not None:
            yield from self._steps(self.steps)

    # -------------------------------------------------------------------------------------------------- to Dataverse

    def _double_targets(self, rows: tuple[MappingRow, ...]) -> Iterator[Finding]:
        count = Counter(name for row in rows if (name := self._target(row)))
        for name in sorted(name for name, times in count.items() if times > 1):
            text = FindingText.DOUBLE_TARGET(column=name)
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
            text = FindingText.REQUIRED(table=self.table, columns=tuple(missing))
            yield self._finding(Severity.WARNING, Code.REQUIRED_UNMAPPED, text)

    def _target(self, row: MappingRow) -> str:
        source = row.sources[self.table]
        return source.name if row.direction.reaches_dataverse and isinstance(source, Column) else ""

    # --------------------------------------------------------------------------------------------------------- steps

    def _steps(self, steps: tuple[EventStep, ...]) -> Iterator[Finding]:
        """MAP-35: without a step, changes are found by the next reconciliation only."""
        reading = reading_of(self.mapping, self.table)
        needed = {str(self.table): _MESSAGES[self.table]}
        if OptionSource.PERMISSIONS in reading.option_sources:
            needed[_PERMISSION_TABLE] = _ROW
        for name, messages in needed.items():
            registered = {step.message for step in steps if step.table == name}
            if missing := [message for message in messages if message not in registered]:
                text = FindingText.NO_STEP(messages=tuple(missing), table=name)
                yield self._finding(Severity.WARNING, Code.STEP_MISSING, text)
        updates = [step.columns for step in steps if (step.table, step.message) == (self.table, _UPDATE)]
        if not updates or not all(updates):
            return  # a step without columns hears of every update
        if unheard := sorted(name for name in reading.watched.difference(*updates) if self._may_change(name)):
            text = FindingText.STEP_WITHOUT_COLUMN(table=self.table, columns=tuple(unheard))
            yield self._finding(Severity.WARNING, Code.COLUMN_WITHOUT_STEP, text)

    def _may_change(self, name: str) -> bool:
        return self.schema.column(self.table, name) is not None

    def _finding(self, severity: Severity, code: Code, text: Phrase) -> Finding:
        return Finding(severity, code, text, table=self.table)
