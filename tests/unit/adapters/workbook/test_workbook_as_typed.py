"""What Excel makes of what people type (blanks, arrows, smart quotes, numbers, rich text) means what it looks like."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.workbook import Workbook

from shared.adapters.workbook.bounds import WorkbookError
from shared.adapters.workbook.reading import from_workbook
from shared.adapters.workbook.writing import to_workbook
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.language.expression import Column
from shared.domain.mapping.model import BlankPolicy, ConflictPolicy, Direction, Mapping, MappingRow, OnInvalid, Outside
from shared.domain.records.records import PersonTable

MAPPING = read_mapping(
    {
        "version": 1,
        "rows": [
            {"spotler": "email", "contact": "emailaddress1"},
            {"spotler": "gender", "contact": "gendercode", "choices": {"1": "M"}},
        ],
    }
)
WORKBOOK = to_workbook("prod", MAPPING, ["email"])
COLUMNS = {
    "Spotler Column": "A",
    "Contact Column": "B",
    "Sync Direction": "F",
    "Filter": "G",
    "Conflict": "H",
    "Blank": "I",
    "Choices": "J",
    "Foreign Column": "K",
    "Invalid": "L",
    "Comment": "M",
}
BLANKS = ["{} ", " {}", "{}\n", "\u00a0{}\u00a0", "\u200b{}", "\ufeff{}", "{}\t", "{}_x000D_\n"]


def typed(*cells: tuple[str, object], edit: Callable[[Workbook], None] | None = None) -> Mapping:
    """The mapping after somebody has typed into cells of a workbook and saved it."""
    workbook = openpyxl.load_workbook(io.BytesIO(WORKBOOK))
    for address, value in cells:
        sheet, _, cell = address.rpartition("!")
        workbook[sheet or "prod"][cell] = value
    if edit is not None:
        edit(workbook)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return from_workbook(buffer.getvalue(), "prod")


def row(column: str, value: object) -> MappingRow:
    return typed((f"{COLUMNS[column]}3", value)).rows[1]


def complaint(*cells: tuple[str, object]) -> str:
    with pytest.raises(WorkbookError) as refusal:
        typed(*cells)
    return str(refusal.value)


def test_the_titles_are_where_this_page_looks_for_them() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(WORKBOOK))
    assert {title: cell for title, cell in COLUMNS.items() if workbook["prod"][f"{cell}1"].value != title} == {}


@pytest.mark.parametrize("blanks", BLANKS, ids=ascii)
def test_blanks_are_no_part_of_any_value(blanks: str) -> None:
    mapping = typed(
        ("A2", blanks.format("email")),
        ("A3", blanks.format("gender")),
        ("B3", blanks.format("gendercode")),
        ("F3", blanks.format("->")),
        ("G3", blanks.format("1")),
        ("H3", blanks.format("newest")),
        ("I3", blanks.format("keep")),
        ("J3", blanks.format("1 = M")),
        ("K3", blanks.format("other")),
        ("L3", blanks.format("omit")),
        ("C3", blanks.format("")),
        ("Z9", blanks.format("")),
        ("prod settings!B5", blanks.format("1043")),
    )
    found = mapping.rows[1]

    assert mapping.rows[0].property_name == "email"
    assert (found.property_name, found.sources, found.foreign) == (
        "gender",
        {PersonTable.CONTACT: Column("gendercode")},
        "other",
    )
    assert (found.direction, found.only, found.choices) == (Direction.TO_PLATFORM, "1", {"1": "M"})
    assert (found.conflict, found.blank, found.on_invalid) == (
        ConflictPolicy.NEWEST,
        BlankPolicy.KEEP,
        OnInvalid.OMIT,
    )
    assert mapping.language == 1043


def test_cells_for_people_stay_as_typed() -> None:
    assert row("Comment", "  see Ann  ").comment == "  see Ann  "


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        *(
            (text, Direction.TO_PLATFORM)
            for text in ("->", " -> ", "- >", "\u2192", "\u2794", "\u21d2", "-->", "\u2013>", "\u2014>")
        ),
        *((text, Direction.TO_DATAVERSE) for text in ("<-", "\u2190", "<--", "<\u2013", "\u21d0", "< -")),
        *((text, Direction.BOTH) for text in ("<->", "\u2194", "\u2194\ufe0f", "\u21d4", "\u21c4", "<-->", "<\u2013>")),
    ],
    ids=ascii,
)
def test_map_11_an_arrow_is_an_arrow_however_it_is_drawn(text: str, direction: Direction) -> None:
    found = typed(("A3", "city"), ("B3", "address1_city"), ("J3", None), ("F3", text))
    assert found.rows[1].direction is direction


@pytest.mark.parametrize("text", [">", "to Spotler", "-", "<>", "\u2193"])
def test_map_11_a_cell_without_an_arrow_is_reported_by_its_place(text: str) -> None:
    assert "prod!F3: Input should be '->', '<-' or '<->'" in complaint(("F3", text))


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("Conflict", "Newest", ConflictPolicy.NEWEST),
        ("Conflict", "CRM", ConflictPolicy.CRM),
        ("Blank", "KEEP", BlankPolicy.KEEP),
        ("Invalid", "Omit", OnInvalid.OMIT),
    ],
)
def test_capitals_do_not_matter_in_words(column: str, text: str, value: object) -> None:
    found = row(column, text)
    assert value in (found.conflict, found.blank, found.on_invalid)


@pytest.mark.parametrize("text", ["ClearPermissions", "CLEARPERMISSIONS ", "clearPermissions"])
def test_nor_in_words_of_several_words(text: str) -> None:
    assert typed(("prod settings!B4", text)).outside is Outside.CLEAR_PERMISSIONS


@pytest.mark.parametrize("title", ["spotler column", "Spotler\u00a0Column", " Spotler  Column ", "SPOTLER COLUMN"])
def test_a_title_is_known_by_its_letters(title: str) -> None:
    assert typed(("A1", title)).rows[0].property_name == "email"


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("1 = M", {"1": "M"}),
        ("1=M\n2=F", {"1": "M", "2": "F"}),
        ("1=M\r\n2=F\r\n", {"1": "M", "2": "F"}),
        ("1=M_x000D_\n2=F", {"1": "M", "2": "F"}),
        ("\u00a01\u00a0=\u00a0M\u00a0", {"1": "M"}),
        ("1 = Mr; Sir", {"1": "Mr; Sir"}),
        ('1 = "a=b"', {"1": "a=b"}),
        ('"a=b" = c', {"a=b": "c"}),
        ("1 =", {"1": ""}),
    ],
    ids=ascii,
)
def test_map_13_choices_stand_one_to_a_line(text: str, choices: dict[str, str]) -> None:
    assert row("Choices", text).choices == choices


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("1=M;2=F", "one translation to a line"),
        ("1=M, 2=F", "one translation to a line"),
        ("1=M 2=F", "one translation to a line"),
        ("1 -> M", "one translation to a line"),
        ("1 = \u201cM\u201d", "straight quotes"),
        ("\u201e1\u201c = M", "straight quotes"),
        ("1 = M\n1 = F", "translated twice"),
        ('1 = "M', "quotes are not in order"),
    ],
    ids=ascii,
)
def test_map_13_other_choices_are_refused_with_their_cell_and_a_cure(text: str, cure: str) -> None:
    told = complaint(("J3", text))

    assert told.startswith("prod!J3: ")
    assert cure in told


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.0, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 8, 30), "2026-03-01T08:30:00"),  # noqa: DTZ001  # Excel knows no time zones
        ("0123", "0123"),
        ("1e3", "1e3"),
        ("NO", "NO"),
    ],
)
def test_a_number_a_date_or_a_boolean_is_spelt_as_it_is_compared(value: object, text: str) -> None:
    assert row("Filter", value).only == text


def test_rich_text_is_its_text() -> None:
    bold = InlineFont(b=True)
    rich = CellRichText("ad", TextBlock(bold, "dress1"), "_city")
    assert row("Contact Column", rich).sources == {PersonTable.CONTACT: Column("address1_city")}


def test_merged_cells_have_the_value_of_their_first_cell() -> None:
    def merge(workbook: Workbook) -> None:
        workbook["prod"].merge_cells("B3:D3")

    assert typed(edit=merge).rows[1].sources == {PersonTable.CONTACT: Column("gendercode")}


@pytest.mark.parametrize("text", ["=A2", '=HYPERLINK("https://example.com")', "=1+1"])
def test_a_formula_is_told_with_its_cell(text: str) -> None:
    assert "prod!B3: a formula" in complaint(("B3", text))


@pytest.mark.parametrize(
    "expression", ["a\u00a0;\u00a0b", "@concat(a,\u00a0b)", "lookup(account).name\u00a0", "\u200ba"]
)
def test_non_breaking_blanks_in_an_expression_are_blanks(expression: str) -> None:
    plain = expression.replace("\u00a0", " ").replace("\u200b", "")
    assert row("Contact Column", expression).sources == row("Contact Column", plain).sources


def test_a_mapping_as_yaml_is_read_by_the_same_rules() -> None:
    document = {
        "version": 1,
        "outside": "ClearPermissions",
        "rows": [
            {"spotler": " email", "contact": "emailaddress1 ", "direction": "\u2192"},
            {"spotler": "city\u00a0", "contact": "address1_city", "direction": " <-> ", "conflict": "Newest"},
        ],
    }
    mapping = read_mapping(document)

    assert [(one.property_name, one.direction) for one in mapping.rows] == [
        ("email", Direction.TO_PLATFORM),
        ("city", Direction.BOTH),
    ]
    assert mapping.rows[1].conflict is ConflictPolicy.NEWEST
    assert mapping.outside is Outside.CLEAR_PERMISSIONS
