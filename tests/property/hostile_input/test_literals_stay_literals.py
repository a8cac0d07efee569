"""Whatever people type arrives as a value: not as a filter, a path, an element, a request or a formula."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from shared.adapters.dataverse.web_api import fetchxml, odata
from shared.adapters.dataverse.web_api.batch import batches
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.adapters.spotler.rest.external_ids import path_segment
from shared.adapters.spotler.rest.paths import segment
from shared.adapters.workbook.cells import CellError, write_text
from shared.domain.values.csv_text import csv_header, csv_lines
from shared.errors import DataError
from shared.local.dataverse_sandbox.queries import odata as grammar

ROOT = Path(__file__).resolve().parents[3]
ROW = UUID("6d81597f-0f9f-e711-8122-000d3aa2331c")

FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet executes at the beginning of a cell."""

NO = ' \t\r\n\u2028"'
"""What some take away before they look."""

hostile = st.sampled_from(
    [
        "' or 1 eq 1 or 'a' eq '",
        "') or contains(lastname,'",
        "''",
        "%27 or 1 eq 1",
        "a&$filter=true",
        "a#b?c=d",
        '"/><attribute name="emailaddress1"/>',
        "&lt;x&gt;&amp;&#39;",
        "\r\nGET /api/data/v9.2/contacts HTTP/1.1",
        '=HYPERLINK("https://evil.example","x")',
        "+1-2",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)",
        "\t=1+1",
        "..",
        "../../x",
        "..%2f..",
        "//evil.example/x",
    ]
)
texts = st.one_of(hostile, st.text(max_size=40), st.builds("{}{}{}".format, st.text(max_size=5), hostile, st.text()))
of_xml = texts.filter(lambda text: not re.search(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text))


# --------------------------------------------------------------------------------------------------------------- OData


@given(texts)
def test_a_text_in_a_filter_is_one_literal(text: str) -> None:
    written = odata.compare("lastname", odata.ODataComparison.EQUAL, text)

    expected = grammar.Comparison(("lastname",), "eq", grammar.Literal(grammar.LiteralKind.STRING, text))
    assert grammar.parse(written) == expected


@given(st.lists(texts, min_size=1, max_size=4))
def test_texts_in_a_list_are_as_many_literals(values: list[str]) -> None:
    function = grammar.parse(odata.within("emailaddress1", values))

    assert isinstance(function, grammar.Function)
    assert (function.path, list(function.operands)) == (("emailaddress1",), values)


@given(texts.filter(bool))
def test_a_filter_in_a_url_is_one_query_option(text: str) -> None:
    condition = odata.compare("lastname", odata.ODataComparison.EQUAL, text)
    url = urlsplit(f"https://org.example/api/data/v9.2/{odata.reads('contacts', {'$filter': condition, '$top': '1'})}")

    assert parse_qsl(url.query, keep_blank_values=True) == [("$filter", condition), ("$top", "1")]
    assert (url.path, url.fragment) == ("/api/data/v9.2/contacts", "")


@given(texts.filter(lambda text: not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", text)))
def test_a_text_that_is_no_name_names_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="name"):
        odata.name(text)
    with pytest.raises(ValueError, match="name"):
        odata.compare(f"{text}/x", odata.ODataComparison.EQUAL, 1)


@given(texts.filter(lambda text: "\r" in text or "\n" in text))
def test_a_line_break_starts_no_request_within_a_batch(text: str) -> None:
    operation = WebApiOperation(Method.GET, f"contacts({ROW})?x={text}")

    with pytest.raises(ValueError, match="line break"):
        list(batches([operation], "/api/data/v9.2/"))


# ------------------------------------------------------------------------------------------------------------ FetchXML


@given(of_xml)
def test_a_text_in_fetchxml_is_one_attribute(text: str) -> None:
    condition = f"<condition attribute='lastname' operator='eq' value={quoteattr(text)} />"
    element = ET.fromstring(
        fetchxml.page_of(f"<fetch><entity name='x'>{condition}</entity></fetch>", fetchxml.Cursor(), size=1)
    )

    (found,) = element.iter("condition")
    assert set(found.attrib) == {"attribute", "operator", "value"}
    assert list(found) == []
    assert found.get("value") == text


@given(texts)
def test_no_text_is_a_query_with_a_document_type(text: str) -> None:
    with pytest.raises(DataError):
        fetchxml.page_of(f"<!DOCTYPE fetch [<!ENTITY a '{text}'>]><fetch/>", fetchxml.Cursor(), size=1)


# ------------------------------------------------------------------------------------------------------- Spotler paths


@given(texts)
@pytest.mark.parametrize("encode", [segment, path_segment])
def test_a_name_in_a_path_is_one_segment(encode: object, text: str) -> None:
    try:
        part = encode(text)  # type: ignore[operator]
    except DataError:
        return
    url = httpx.URL(f"https://spotler.example/integrationservice/contact/{part}/tag")
    segments = url.raw_path.decode().split("/")

    assert (url.host, len(segments)) == ("spotler.example", 5)
    assert unquote(segments[3]) == text
    assert segments[3] not in {"", ".", ".."}
    assert url.query == b""


# -------------------------------------------------------------------------------------------------------------- Excel


@settings(deadline=None)  # it writes and reads a file
@given(texts)
def test_a_text_in_a_workbook_is_never_a_formula(text: str) -> None:
    book = Workbook()
    assert book.active is not None
    try:
        write_text(book.active, 1, 1, text)
    except CellError:
        return
    stream = io.BytesIO()
    book.save(stream)
    cell = load_workbook(stream).active["A1"]  # type: ignore[index]

    assert cell.value is None or (cell.data_type, cell.quotePrefix) == ("s", True)


separated = st.lists(
    st.one_of(texts, st.sampled_from(list(";,\t\r\n\"'=+-@ \u2028\uff1d"))), min_size=1, max_size=6
).map("".join)


@given(st.lists(separated, min_size=1, max_size=3))
def test_a_text_in_csv_is_one_cell_that_says_the_same(values: list[str]) -> None:
    columns = [f"c{number}" for number in range(len(values))]
    written = csv_lines(columns, [dict(zip(columns, values, strict=True))])

    (cells,) = csv.reader(io.StringIO(written, newline=""))
    assert [cell.replace("'", "") for cell in cells] == [value.replace("'", "") for value in values]


@given(st.lists(st.lists(separated, min_size=2, max_size=2), min_size=1, max_size=3), st.sampled_from(",;\t"))
@example([["x;=cmd|'/C calc'!A0", "x\t=1"]], ";")
@example([['x;"=1', 'x,"=1']], ";")
def test_no_cell_is_a_formula_whichever_separator_a_spreadsheet_reads_with(
    rows: list[list[str]], delimiter: str
) -> None:
    """Lines end where a strict reader finds their end, or, as others do, at every line end."""
    columns = ["a", "b"]
    written = csv_header(columns) + csv_lines(columns, [dict(zip(columns, row, strict=True)) for row in rows])

    for lines in (io.StringIO(written, newline=""), written.splitlines(keepends=True), written.splitlines()):
        for skips in (False, True):
            for cells in csv.reader(lines, delimiter=delimiter, skipinitialspace=skips):
                assert not any(cell.lstrip(NO).startswith(FORMULA) for cell in cells)


# ---------------------------------------------------------------------------------------------------------- the source

_QUERY = re.compile(
    r"\b(?:eq|ne|gt|ge|lt|le)\s|\$(?:filter|select|orderby|expand)=|<(?:fetch|entity|condition|attribute|filter|order)\b"
)
_QUOTING = {"literal", "name", "column_path", "join", "segment", "path_segment"}
_ONE_PLACE = {"shared/adapters/dataverse/web_api/odata.py", "shared/adapters/dataverse/web_api/fetchxml.py"}
"""Where values become text of a query. Everything else must ask these modules."""


def unquoted(source: str) -> Iterator[str]:
    """Name f-strings, `%`, `+` and `format` that put something into the text of a query without quoting it."""
    if not _QUERY.search(source):  # most modules, and a module takes long to parse
        return
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.JoinedStr(values=parts):
                constant = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
                inserted = [part.value for part in parts if isinstance(part, ast.FormattedValue)]
            case ast.BinOp(left=ast.Constant(value=str(constant)), op=ast.Add() | ast.Mod(), right=right):
                inserted = [right]
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(constant)), attr="format"), args=args):
                inserted = list(args)
            case _:
                continue
        if _QUERY.search(constant) and not all(map(_is_quoted, inserted)):
            yield f"line {node.lineno}: {ast.unparse(node)}"


def _is_quoted(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name):
            return name.isupper()
        case ast.Attribute(attr=name):
            return name.isupper()
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _QUOTING
        case _:
            return isinstance(node, ast.Constant)


def test_no_module_but_one_puts_values_into_queries() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {place}"
        for path in sorted((ROOT / "shared").rglob("*.py"))
        if "local" not in path.parts and str(path.relative_to(ROOT)) not in _ONE_PLACE
        for place in unquoted(path.read_text(encoding="utf-8"))
    ]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "f\"lastname eq '{name}'\"",
        '"lastname eq \'" + name',
        "\"lastname eq '%s'\" % name",
        "\"lastname eq '{}'\".format(name)",
        "f'<condition value=\"{name}\" />'",
        "f'contacts?$filter={condition}'",
    ],
)
def test_the_search_finds_what_is_not_quoted(source: str) -> None:
    assert list(unquoted(source))


def test_the_search_lets_pass_what_is_quoted() -> None:
    assert not list(unquoted("f'lastname eq {odata.literal(name)} and {STATE} eq 0'"))
