"""A workbook that somebody sends costs a moment and little memory, whatever is in it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import openpyxl
import pytest

from shared.adapters.workbook.bounds import WorkbookError
from shared.adapters.workbook.files import read_file
from shared.adapters.workbook.writing import to_workbook
from shared.domain.mapping.formats.document import read_mapping

ROOT = Path(__file__).resolve().parents[4]
MAPPING = read_mapping(
    {"version": 1, "rows": [{"spotler": "email", "contact": "emailaddress1"}, {"spotler": "city", "contact": "city"}]}
)
WORKBOOK = to_workbook("prod", MAPPING, ["email"])
with zipfile.ZipFile(io.BytesIO(WORKBOOK)) as _archive:
    PARTS = {name: _archive.read(name) for name in _archive.namelist()}
SHEET, STYLES, STRINGS = "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/sharedStrings.xml"
SHEET_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

MOST_EFFORT, MOST_MEGABYTES = 450, 150
"""Times the loop of `effort`; the costliest of these files takes about a third."""

_READER = """
import os, resource, sys
import openpyxl
from shared.domain.mapping.formats.document import MappingError
from shared.adapters.workbook.files import read_file
from tests.programs.times import effort

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024

def read(content):
    resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))
    resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
    before, said = peak(), []
    def work():
        try:
            said.append(f"{len(read_file(content, 'prod').rows)} rows")
        except MappingError as error:
            said.append(str(error)[:200])
    print(effort(work), peak() - before, ascii(said[0]), flush=True)

while size := int(sys.stdin.buffer.readline() or 0):
    content = sys.stdin.buffer.read(size)
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        print(status, flush=True)
    else:
        read(content)
        os._exit(0)
"""
"""Reads each file in a process of its own, without importing the product again."""


def packed(contents: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return stream.getvalue()


def behind_the_rows(markup: str) -> dict[str, bytes]:
    return {**PARTS, SHEET: PARTS[SHEET].replace(b"</sheetData>", b"</sheetData>" + markup.encode())}


def more_rows(markup: str) -> dict[str, bytes]:
    return {**PARTS, SHEET: PARTS[SHEET].replace(b"</sheetData>", markup.encode() + b"</sheetData>")}


def styles(tag: str, markup: str) -> dict[str, bytes]:
    text = re.sub(f"<{tag}[ >].*?</{tag}>", f"<{tag}>{markup}</{tag}>", PARTS[STYLES].decode(), flags=re.DOTALL)
    return {**PARTS, STYLES: text.encode()}


def strings(markup: str) -> bytes:
    return f'<sst xmlns="{SHEET_MAIN}">{markup}</sst>'.encode()


def cells(rows: range, cell: str) -> str:
    letters = "ABCDEFGHIJKLM"
    return "".join(
        f'<row r="{row}">{"".join(cell.format(at=f"{letter}{row}") for letter in letters)}</row>' for row in rows
    )


EVERYTHING = 'ref="A1:XFD1048576"'


def shared_formula() -> dict[str, bytes]:
    first = f'<row r="100"><c r="A100"><f t="shared" si="0" ref="A100:A9999">{"A1+" * 200_000}1</f></c></row>'
    others = (f'<row r="{row}"><c r="A{row}"><f t="shared" si="0"/></c></row>' for row in range(101, 9000))
    return more_rows(first + "".join(others))


def one_long_text() -> dict[str, bytes]:
    """The length of a text counts for each cell that shows it."""
    texts = strings(f"<si><t>{'x' * 15_000_000}</t></si>" + "<si><t>x</t></si>" * 100)
    return {**more_rows(cells(range(100, 6900), '<c r="{at}" t="s"><v>0</v></c>')), STRINGS: texts}


def many_sheets() -> dict[str, bytes]:
    book = PARTS["xl/workbook.xml"].decode()
    sheet = re.search(r"<sheet .*?/>", book)
    assert sheet is not None
    slow = PARTS[SHEET].replace(b"<dimension", b"<x>" + b"<y/>" * 25_000 + b"</x><dimension")
    copies = "".join(sheet[0].replace('name="prod"', f'name="s{number}"') for number in range(5_000))
    return {**PARTS, SHEET: slow, "xl/workbook.xml": book.replace("</sheets>", f"{copies}</sheets>").encode()}


def ruled() -> dict[str, bytes]:
    rule = '<cfRule type="expression" priority="1"><formula>1</formula></cfRule>'
    return behind_the_rows(f'<conditionalFormatting sqref="{"A1 " * 300_000}">{rule}</conditionalFormatting>')


BOMBS: Mapping[str, Callable[[], dict[str, bytes]]] = {
    "merged": lambda: behind_the_rows(f"<mergeCells><mergeCell {EVERYTHING}/></mergeCells>"),
    "merged-often": lambda: behind_the_rows(f"<mergeCells>{f'<mergeCell {EVERYTHING}/>' * 25_000}</mergeCells>"),
    "linked": lambda: behind_the_rows(f'<hyperlinks><hyperlink {EVERYTHING} location="x"/></hyperlinks>'),
    "ruled": ruled,
    "validated": lambda: behind_the_rows(
        f'<dataValidations><dataValidation sqref="{"A1 " * 20_000}"/></dataValidations>'
    ),
    "styled": lambda: styles("cellXfs", '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>' * 250_000),
    "one-row": lambda: more_rows(f'<row r="100">{"<c/>" * 3_900_000}</row>'),
    "far-away": lambda: more_rows('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
    "shared-formula": shared_formula,
    "one-long-text": one_long_text,
    "many-texts": lambda: {**PARTS, STRINGS: strings("<si/>" * 3_900_000)},
    "many-sheets": many_sheets,
    "deep": lambda: more_rows(f'<row r="100"><c r="A100">{"<x>" * 500_000}'),
    "attributed": lambda: more_rows(f"""<row r="100" {" ".join(f"a{number}=''" for number in range(400_000))}/>"""),
    "errors": lambda: more_rows(cells(range(100, 7000), '<c r="{at}" t="e"><v>#N/A</v></c>')),
}
"""Parts of workbooks that are small as files."""


@pytest.fixture(scope="module")
def reader() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", _READER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as running:
        yield running


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux tells it")
@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_takes_neither_time_nor_memory(name: str, reader: subprocess.Popen[bytes]) -> None:
    assert reader.stdin is not None
    assert reader.stdout is not None
    content = packed(BOMBS[name]())
    reader.stdin.write(b"%d\n%b" % (len(content), content))
    reader.stdin.flush()
    told = reader.stdout.readline().decode()
    used, megabytes, said = [*told.split(" ", 2), "", ""][:3]

    assert said, f"the reading process ended with {told}"
    assert int(reader.stdout.readline()) == 0, said
    assert float(used) < MOST_EFFORT, said
    assert int(megabytes) < MOST_MEGABYTES, said


def test_a_link_over_the_whole_sheet_is_of_no_interest() -> None:
    assert read_file(packed(BOMBS["linked"]()), "prod") == MAPPING


def complaint(contents: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> str:
    with pytest.raises(WorkbookError) as refusal:
        read_file(packed(contents, compression), "prod")
    return str(refusal.value)


def test_a_value_that_nobody_sees_beneath_merged_cells_is_refused_with_its_cell() -> None:
    merged = behind_the_rows('<mergeCells count="1"><mergeCell ref="A2:B3"/></mergeCells>')

    assert complaint(merged) == "prod!B2: a value beneath merged cells, where nobody sees it"


def test_merged_cells_that_hide_nothing_are_read() -> None:
    book = openpyxl.load_workbook(io.BytesIO(WORKBOOK))
    book["prod"]["O1"] = None
    book["prod"].merge_cells("D2:E3")
    stream = io.BytesIO()
    book.save(stream)

    assert read_file(stream.getvalue(), "prod") == MAPPING


def test_rows_beyond_the_size_that_a_sheet_claims_are_read() -> None:
    wrong = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:A1"', PARTS[SHEET])

    assert read_file(packed({**PARTS, SHEET: wrong}), "prod") == MAPPING


@pytest.mark.parametrize(
    "markup",
    [
        '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>',
        '<row r="9"><c r="B9"/><c r="A9"/></row>',
        '<row r="9"><c r="A8"/></row>',
        '<row r="x"/>',
    ],
)
def test_rows_that_would_be_passed_over_are_refused(markup: str) -> None:
    """What comes out of its order could be lost, and a mapping without a row stops filling a property."""
    assert "not in order" in complaint(more_rows(markup))


def test_a_packing_that_chooses_its_own_memory_is_refused() -> None:
    assert "packed in a way" in complaint(PARTS, zipfile.ZIP_LZMA)


def test_more_parts_than_any_workbook_has_are_refused() -> None:
    assert "too large" in complaint({**PARTS, **{f"part{number}": b"" for number in range(1_001)}})


def test_a_text_longer_than_a_cell_is_refused() -> None:
    long = f'<row r="9"><c r="A9" t="inlineStr"><is><t>{"x" * 32_768}</t></is></c></row>'

    assert complaint(more_rows(long)) == "prod!A9: longer than the 32,767 characters of a cell"


def test_a_chart_among_the_sheets_is_refused() -> None:
    rels = PARTS["xl/_rels/workbook.xml.rels"].replace(b"relationships/worksheet", b"relationships/chartsheet", 1)

    assert "is a chart" in complaint({**PARTS, "xl/_rels/workbook.xml.rels": rels})
