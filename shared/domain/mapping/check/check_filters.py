"""Checks the values of filters: a value that a column can never have excludes all records, or none (MAP-12, VAL-04)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.domain.mapping.check.resolution import Resolved, Unresolved, resolve
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.language.expression import (
    Child,
    Coalesce,
    Column,
    Concat,
    Constant,
    CustomerType,
    Expression,
    Literal,
    MapTo,
    Operand,
    QueryExpression,
    Related,
    Source,
)
from shared.domain.mapping.language.filter_comparison import folded, looks_like_pattern, why_never, why_unread
from shared.domain.mapping.language.filters import (
    And,
    Empty,
    Field,
    Filter,
    FilterComparison,
    Not,
    Or,
    Value,
    Within,
    filter_columns,
)
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import ColumnDefinition, Schema
from shared.domain.wording.findings import FilterCure, FindingText
from shared.domain.wording.phrase import Phrase


@dataclass(frozen=True, slots=True)
class FilterCheck:
    """Checks the filters of one table. `language` is that of the mapping's labels."""

    table: PersonTable
    schema: Schema
    language: int | None

    def table_filter(self, condition: Filter) -> Iterator[Finding]:
        """Yield the findings for the filter of the table."""
        for field in dict.fromkeys(filter_columns(condition)):
            match resolve(field, self.table, self.schema):
                case Unresolved(gap=gap, text=text):
                    yield self._finding(Severity.ERROR, FindingText.FILTER_GAP(problem=text), Code(gap))
                case Resolved(column=found) if (cure := why_unread(found)) is not None:
                    text = FindingText.FILTER_UNREAD(table=self.table, column=str(field), cure=cure)
                    yield self._finding(Severity.ERROR, text)
        for field, value, place in _compared(condition):
            column = self._column(field)
            if column is None or why_unread(column) is not None:
                continue
            named = {"table": self.table, "column": str(field), "place": place}
            if (cure := why_never(value, replace(column, name=str(field)), self.language)) is not None:
                yield self._finding(Severity.ERROR, FindingText.FILTER_NEVER(**named, cure=cure))
            elif looks_like_pattern(value, column):
                text = FindingText.FILTER_PATTERN(**named, cure=FilterCure.LETTERS())
                yield self._finding(Severity.WARNING, text)

    def row_filter(self, expression: Expression, only: str, number: int) -> Iterator[Finding]:
        """Yield the findings for the filter of one row."""
        cures = list(self._cures(expression, only))
        if cures and (cure := cures[0]) is not None and None not in cures:
            text = FindingText.ROW_NEVER(expression=str(expression), cure=cure)
            yield replace(self._finding(Severity.ERROR, text), row=number)

    def _cures(self, expression: Expression | Operand, only: str) -> Iterator[Phrase | None]:
        """Return what to write instead, for every part that could be the value; None if one part can have the value."""
        match expression:
            case Column() | Related() | Child() | QueryExpression():
                column = self._column(expression)
                yield None if column is None else why_never(only, column, self.language)
            case Coalesce(operands):
                for operand in operands:
                    yield from self._cures(operand, only)
            case CustomerType():
                yield _fixed(str(self.table), only)
            case Constant(text) | Literal(text):
                yield _fixed(text, only)
            case Concat() | MapTo():
                yield None

    def _column(self, source: Source) -> ColumnDefinition | None:
        found = resolve(source, self.table, self.schema)
        return found.column if isinstance(found, Resolved) else None

    def _finding(self, severity: Severity, text: Phrase, code: Code = Code.COMPARISON) -> Finding:
        return Finding(severity, code, text, table=self.table)


def _fixed(text: str, only: str) -> Phrase | None:
    return None if folded(text) == folded(only) else FilterCure.ALWAYS(text=text)


def _compared(condition: Filter) -> Iterator[tuple[Field, Value, str]]:
    """Yield columns and the values that they are compared with; and of a list with several, which of them it is."""
    match condition:
        case FilterComparison(field, _, value):
            yield field, value, ""
        case Within(field, (value,)):
            yield field, value, ""
        case Within(field, values):
            for number, value in enumerate(values, start=1):
                yield field, value, FindingText.IN_LIST(number=number)
        case Not(inner):
            yield from _compared(inner)
        case And(conditions) | Or(conditions):
            for inner in conditions:
                yield from _compared(inner)
        case Empty():
            pass
