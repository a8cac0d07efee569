"""The mapping language for every expression, filter, value and text that Hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.mapping.formats.document import MappingError, read_mapping
from shared.domain.mapping.language.evaluate import compile_expression, compile_filter
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
    OptionSource,
    Order,
    QueryExpression,
    Related,
    is_never_empty,
)
from shared.domain.mapping.language.filters import (
    KEYWORDS,
    And,
    Empty,
    Filter,
    FilterComparison,
    Not,
    Operator,
    Or,
    Within,
    parse_filter,
)
from shared.domain.mapping.language.parser import parse_expression
from shared.domain.mapping.language.tokens import ExpressionError
from shared.domain.mapping.model import EMAIL, Direction, MappingRow
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.mapping.reading import reading_of
from shared.domain.mapping.reverse_conversions import NeedsMatch, Stored, returned
from shared.domain.planning.binding import Binding
from shared.domain.planning.plan import plan
from shared.domain.planning.plan_input import PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition, PropertyType, SetEntry
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.domain.records.table_schema import ColumnDefinition, ColumnType
from shared.domain.values.fields import as_properties, wished_fields
from shared.domain.values.values import Misfit
from tests.person_records import names_read, person

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
KEY = RecordKey(PersonTable.CONTACT, UUID(int=1))

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in KEYWORDS)
columns = st.builds(Column, names)
related = st.builds(Related, names, st.just("") | names, names)
children = st.builds(Child, names, st.just("") | names, names, st.sampled_from(Order), names)
literals = st.builds(Literal, st.text(max_size=10))
simple = columns | related | children | st.just(CustomerType())


def coalesced(operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Coalesce]:
    return st.builds(_coalesce, st.lists(operands, min_size=1, max_size=3), operands)


def _coalesce(first: list[Any], last: Any) -> Coalesce:
    """Only the last may be a fixed value."""
    return Coalesce((*(Column("a") if is_never_empty(operand) else operand for operand in first), last))


def joined(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Concat]:
    return st.lists(parts, min_size=1, max_size=4).map(_concat)


def _concat(parts: list[Any]) -> Concat:
    """At least one part is no fixed text."""
    is_fixed = all(isinstance(part, Literal) for part in parts)
    return Concat((*parts, Column("a")) if is_fixed else tuple(parts))


operands = st.recursive(simple | literals, lambda inner: joined(inner | coalesced(inner)), max_leaves=8)
expressions: st.SearchStrategy[Expression] = (
    simple
    | coalesced(operands)
    | joined(operands | coalesced(operands))
    | st.builds(Constant, st.text(max_size=20))
    | st.builds(QueryExpression, st.text(max_size=20).filter(str.strip))
    | st.builds(MapTo, st.sampled_from(OptionSource))
)

fields = columns | related
values = (
    st.text(max_size=8)
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.decimals(-(10**9), 10**9, places=3).filter(lambda number: not (number.is_zero() and number.is_signed()))
)
comparisons = (
    st.builds(FilterComparison, fields, st.sampled_from(Operator), values)
    | st.builds(Within, fields, st.lists(values, min_size=1, max_size=3).map(tuple))
    | st.builds(Empty, fields)
)
filters: st.SearchStrategy[Filter] = st.recursive(
    comparisons,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)

ATTACKS = [
    '"',
    '""',
    "'); DROP TABLE contacts;--",
    "' or 1 eq 1 or '",
    "<fetch><entity name='contact'/></fetch>",
    "=cmd|'/c calc'!A0",
    "+1+1",
    "@concat(a, b)",
    "$ID",
    "😀 emoji",
    "\ud83d half of one",
    "\u202eright to left",
    "\x00\x1b\x7f",
    "x" * 100_000,
    "é" * 100_000,
    "9" * 100_000,
    '@concat("' * 20_000,
    "((((" * 25_000,
    "a;" * 50_000,
    " " * 100_000,
    "0." + "1" * 100_000,
    "a@" + "b." * 50_000 + "nl",
    "2024-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00+14:00",
    "1e999999",
    "NaN",
]


class Hostile:
    """A text that a user may have entered into a field; shown by its beginning only."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"{self.text[:40]!r} ({len(self.text)})"


hostile = st.sampled_from([Hostile(text) for text in ATTACKS]) | st.builds(Hostile, st.text(alphabet=st.characters()))


@given(expressions)
def test_an_expression_survives_being_printed_and_read(expression: Expression) -> None:
    assert parse_expression(str(expression)) == expression


@given(filters)
def test_a_filter_survives_being_printed_and_read(condition: Filter) -> None:
    again = parse_filter(str(condition))
    assert again == condition
    assert str(again) == str(condition)


@given(filters, filters)
def test_and_or_and_not_combine_conditions(first: Filter, second: Filter) -> None:
    record = PersonRecord(KEY, {})
    one, two = (compile_filter(condition)(record) for condition in (first, second))

    assert compile_filter(And((first, second)))(record) is (one and two)
    assert compile_filter(Or((first, second)))(record) is (one or two)
    assert compile_filter(Not(first))(record) is not one


# -------------------------------------------------------------------------------------------------------------- reading


class Watched(Mapping[str, Any]):
    """Values that notice which of them are asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values_ = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


rows = st.lists(st.tuples(expressions, st.sampled_from(Direction)), max_size=5)


@given(rows, filters | st.none())
def test_a_read_brings_all_that_the_mapping_uses_and_nothing_else(
    rows: list[tuple[Expression, Direction]], condition: Filter | None
) -> None:
    table = PersonTable.CONTACT
    mapping = FieldMapping(
        tuple(MappingRow(f"p{number}", {table: source}, way) for number, (source, way) in enumerate(rows)),
        filters={} if condition is None else {table: condition},
    )
    rules = names_read(FieldMapping(()), table)
    watched = Watched(dict.fromkeys(names_read(mapping, table)))
    record = PersonRecord(KEY, watched)

    for row in mapping.rows:
        if row.direction.reaches_platform:
            row.evaluate(record)  # nothing has a value: `a;b` reads every operand
    compared = {str(source) for source, way in rows if isinstance(source, Column) and way.reaches_dataverse}
    asked = watched.asked | mapping.filtered_by(table) | compared

    assert asked | rules == set(watched)
    assert {source.option_source for source, _ in rows if isinstance(source, MapTo)} == reading_of(
        mapping, table
    ).option_sources


# -------------------------------------------------------------------------------------------------------- hostile texts

TYPES = [kind for kind in PropertyType if kind is not PropertyType.SET]
CATALOGUE = PropertyCatalogue(
    (
        PropertyDefinition(EMAIL, "E-mail", PropertyType.EMAIL),
        *(PropertyDefinition(f"p{kind}", kind, kind) for kind in TYPES),
        PropertyDefinition("set", "Set", PropertyType.SET, (SetEntry(1, "One"),)),
    )
)
EVERYTHING = read_mapping(
    {
        "version": 1,
        "filters": {"contact": 'a <> "" or not empty(a)'},
        "rows": [
            {"spotler": EMAIL, "contact": "emailaddress1"},
            *({"spotler": f"p{kind}", "contact": '@concat("<", a, ">");a', "invalid": "omit"} for kind in TYPES),
            {"spotler": "set", "contact": "a", "choices": {"1": "One"}},
        ],
    }
)
RULES = Rules(EVERYTHING, Fingerprinter(b"a key for nothing but tests"))


@settings(deadline=None)
@given(hostile, st.none() | hostile)
def test_no_value_breaks_planning_and_sent_texts_are_valid(value: Hostile, label: Hostile | None) -> None:
    record = person(
        EVERYTHING,
        values={"emailaddress1": value.text, "a": value.text},
        labels={} if label is None else {"a": label.text},
        permissions={value.text: True},
    )
    plan(PlanInput(KEY, record, Binding("1")), RULES, CATALOGUE)
    for sent in as_properties(wished_fields(record, EVERYTHING, CATALOGUE).values).values():
        if isinstance(sent, str):
            assert sent.encode().decode() == sent


@given(hostile, st.sampled_from(TYPES), st.sampled_from(ColumnType))
def test_no_value_of_spotler_breaks_the_way_back(value: Hostile, kind: PropertyType, column: ColumnType) -> None:
    result = returned(value.text, PropertyDefinition("p", "P", kind), ColumnDefinition("c", column), zone=AMSTERDAM)
    assert isinstance(result, Stored | NeedsMatch | Misfit)


@settings(deadline=None)  # half a second for 100,000 characters is acceptable, and no user waits for it
@given(hostile, st.sampled_from([parse_expression, parse_filter]))
def test_no_text_breaks_the_language_and_an_error_is_short(text: Hostile, parse: Callable[[str], object]) -> None:
    error: ExpressionError | None = None
    printed = ""
    try:
        printed = str(parse(text.text))
    except ExpressionError as caught:
        error = caught
    if error is None:
        assert str(parse(printed)) == printed
    else:
        assert 0 <= error.position <= len(text.text)
        assert len(str(error)) < 600


@settings(deadline=None)
@given(hostile)
def test_no_text_breaks_a_document(text: Hostile) -> None:
    row = {"spotler": text.text, "contact": text.text, "filter": text.text}
    rows = [{"spotler": EMAIL, "contact": "emailaddress1"}, row]
    document = {"version": 1, "filters": {"contact": text.text}, "timeZone": text.text, "rows": rows}
    with pytest.raises(MappingError):  # no text is a filter and a time zone at once
        read_mapping(document)


@given(hostile)
def test_a_text_is_compared_never_run(value: Hostile) -> None:
    text = value.text
    record = PersonRecord(KEY, {"a": text})
    wanted = FilterComparison(Column("a"), Operator.EQUAL, text)

    assert parse_filter(str(wanted)) == wanted
    assert compile_filter(wanted)(record) is bool(text.strip())
    assert compile_expression(Constant(text))(record).value == text
