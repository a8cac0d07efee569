"""Every mapping is unchanged after writing and reading in each format, and never becomes a formula."""

from __future__ import annotations

import contextlib
from io import BytesIO

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.adapters.workbook.bounds import WorkbookError
from shared.adapters.workbook.cells import choices_text, read_choices
from shared.adapters.workbook.reading import from_workbook
from shared.adapters.workbook.writing import to_workbook
from shared.domain.mapping.formats.document import MappingError, read_mapping
from shared.domain.mapping.formats.yaml_format import as_document, from_yaml, to_yaml
from shared.domain.mapping.model import BlankPolicy, ConflictPolicy, Direction, Mapping, OnInvalid, Outside
from shared.domain.records.records import PersonTable
from tests.examples import examples

HOSTILE = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(1)",
    "#N/A",
    "'",
    "NO",
    "~",
    "1e3",
    "2026-01-01",
    "_x0041_",
    "a\r\nb\tc",
    "\x00\x1b",
    "\ufffe",
    "\u202edrow",
    "\x85\u2028",
    "😀",
    " blanks ",
    "- a: b # c",
    "*alias",
    "!!python/object:os.system",
    '"',
    "{%",
]

texts = st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=30)
encodable = texts.filter(lambda text: not any("\ud800" <= character <= "\udfff" for character in text))
names = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
own_columns = names
columns = names | st.builds("{}({}).{}".format, names, names | st.just(""), names)
quoted = encodable.map(lambda text: '"' + text.replace('"', '""') + '"')
values = st.one_of(
    columns,
    st.builds("{};{}".format, columns, columns),
    st.just("$CustomerType"),
    encodable.map("$value:{}".format),
    st.builds("@concat({}, {}, {})".format, columns, quoted, columns),
    st.builds("@child({}).first({} DESC).{}".format, names, names, names),
    names.map("@odata:{}s?$select=a&$filter=b eq $ID".format),
)
filters = st.one_of(
    st.builds("{} = {}".format, columns, quoted),
    st.builds("{} in (1, {}) or not empty({})".format, columns, quoted, columns),
).filter(lambda text: not any(word in text.split() for word in ("not(", "in(")))


@st.composite
def rows(draw: st.DrawFn, spotler: str) -> dict[str, object]:
    direction = draw(st.sampled_from(Direction))
    source = own_columns if direction.reaches_dataverse else values
    tables = draw(st.sets(st.sampled_from(PersonTable), min_size=1))
    optional = {
        "filter": encodable,
        "choices": st.dictionaries(encodable, encodable, min_size=1, max_size=3),
        "foreign": st.just(f"foreign of {spotler}"),
        "invalid": st.sampled_from(OnInvalid),
        "conflict": st.sampled_from(ConflictPolicy),
        "blank": st.sampled_from(BlankPolicy),
        "comment": encodable,
    }
    return {
        "spotler": spotler,
        "direction": direction,
        **{table: draw(source) for table in tables},
        **draw(st.fixed_dictionaries({}, optional=optional)),
    }


@st.composite
def mappings(draw: st.DrawFn) -> Mapping:
    properties = draw(st.lists(encodable.filter(lambda text: text[0] not in "$@"), unique=True, max_size=4))
    email = {"spotler": "email", **dict.fromkeys(PersonTable, "emailaddress1")}
    optional = {
        "language": st.integers(1, 0xFFFF),
        "timeZone": st.sampled_from(["UTC", "Europe/Brussels"]),
        "filters": st.dictionaries(st.sampled_from(PersonTable), filters, min_size=1),
        "outside": st.sampled_from(Outside),
        "entityTable": names,
        "periodiek": st.fixed_dictionaries({"table": names, "name": columns, "subscribed": names, "lead": names}),
    }
    document = {
        "version": 1,
        **draw(st.fixed_dictionaries({}, optional=optional)),
        "rows": [email, *(draw(rows(name)) for name in properties if name != "email")],
    }
    try:
        return read_mapping(document)
    except MappingError:
        return draw(st.nothing())  # a keyword where a filter wants a column


@settings(max_examples=examples(10), deadline=None)
@given(mappings())
def test_yaml_gives_the_mapping_back(mapping: Mapping) -> None:
    assert from_yaml(to_yaml(mapping)) == mapping


@settings(max_examples=examples(10), deadline=None)
@given(mappings())
def test_equal_mappings_are_equal_texts(mapping: Mapping) -> None:
    assert to_yaml(from_yaml(to_yaml(mapping))) == to_yaml(mapping)


@settings(max_examples=examples(10), deadline=None)
@given(mappings())
def test_the_document_is_what_the_checks_read(mapping: Mapping) -> None:
    assert read_mapping(as_document(mapping)) == mapping


@settings(max_examples=examples(10), deadline=None)
@given(mappings(), st.lists(encodable, unique=True, max_size=5))
def test_a_workbook_gives_the_mapping_back(mapping: Mapping, properties: list[str]) -> None:
    both = to_workbook("test", mapping, properties, into=to_workbook("prod", mapping, properties))

    assert from_workbook(both, "prod") == mapping
    assert from_workbook(both, "test") == mapping


@settings(max_examples=examples(8), deadline=None)
@given(mappings())
def test_no_text_becomes_a_formula(mapping: Mapping) -> None:
    workbook = openpyxl.load_workbook(BytesIO(to_workbook("prod", mapping, [])))

    cells = [cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix and cell.number_format == "@" for cell in cells)


@given(st.dictionaries(texts | st.just(""), texts | st.just(""), max_size=4))
@example({"a=b": "=c", ' "': '"', "\\": "\n"})
def test_translations_of_options_come_back_from_their_cell(choices: dict[str, str]) -> None:
    assert read_choices(choices_text(choices)) == choices


@settings(max_examples=examples(10), deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20))
def test_a_damaged_workbook_is_refused_and_breaks_nothing(damage: list[tuple[float, int]]) -> None:
    mapping = read_mapping({"version": 1, "rows": [{"spotler": "email", "contact": "emailaddress1"}]})
    content = bytearray(to_workbook("prod", mapping, ["email"]))
    for place, byte in damage:
        content[int(place * len(content))] = byte

    with contextlib.suppress(WorkbookError):
        assert from_workbook(bytes(content), "prod").rows


@given(st.text())
def test_no_text_breaks_the_reading_of_yaml(text: str) -> None:
    with pytest.raises(MappingError):
        from_yaml(text)
