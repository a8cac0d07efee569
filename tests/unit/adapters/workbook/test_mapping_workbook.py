"""The workbook that a consultant edits: what it offers, and how it says what is wrong (MAP-04, C-33)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from shared.adapters.workbook.bounds import WorkbookError
from shared.adapters.workbook.files import Format, read_file, write_file
from shared.adapters.workbook.layout import ROWS, SETTINGS
from shared.adapters.workbook.reading import from_workbook
from shared.adapters.workbook.sizes import LARGEST
from shared.adapters.workbook.writing import to_workbook
from shared.domain.mapping.formats.document import MappingError, read_mapping
from shared.domain.mapping.language.expression import Column
from shared.domain.mapping.model import Mapping
from shared.domain.records.records import PersonTable

CITY = {PersonTable.CONTACT: Column("address2_city")}
PROPERTIES = ["email", "firstName", "gender"]
MAPPING = read_mapping(
    {
        "version": 1,
        "language": 1043,
        "filters": {"contact": 'address1_country in ("NL", "BE")'},
        "outside": "clearPermissions",
        "rows": [
            {"spotler": "email", "contact": "emailaddress1"},
            {
                "spotler": "firstName",
                "contact": '@concat(firstname, " ", lastname)',
                "comment": "=1+1, and\nmore",
            },
            {"spotler": "gender", "contact": "gendercode", "choices": {"1": "M", "2": "=F"}, "invalid": "omit"},
            {"spotler": "city", "contact": "address1_city", "direction": "<->", "filter": "-1", "conflict": "newest"},
        ],
    }
)


def edited(edit: Callable[[Workbook], None], mapping: Mapping = MAPPING) -> bytes:
    """The workbook after somebody has opened, edited and saved it."""
    workbook = openpyxl.load_workbook(io.BytesIO(to_workbook("prod", mapping, PROPERTIES)))
    edit(workbook)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def with_an_unreadable_name() -> bytes:
    """A workbook whose directory names a part in bytes that are no UTF-8."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/é.xml", b"")
    return buffer.getvalue().replace("é".encode(), b"\xbb\xbb")


def complaint_about(cells: dict[str, object]) -> str:
    """What the reading says after these cells have been filled in."""

    def fill(workbook: Workbook) -> None:
        for address, value in cells.items():
            sheet, _, cell = address.rpartition("!")
            workbook[sheet or "prod"][cell] = value

    with pytest.raises(WorkbookError) as refusal:
        from_workbook(edited(fill), "prod")
    return str(refusal.value)


@pytest.fixture
def workbook() -> Workbook:
    test = to_workbook("test", MAPPING, PROPERTIES)
    return openpyxl.load_workbook(io.BytesIO(to_workbook("prod", MAPPING, PROPERTIES, into=test)))


# ------------------------------------------------------------------------------------------------------ what it offers


def test_each_environment_has_a_sheet_of_rows_and_one_of_settings(workbook: Workbook) -> None:
    visible = [sheet.title for sheet in workbook if sheet.sheet_state == "visible"]

    assert visible == ["test", "test settings", "prod", "prod settings"]


def test_the_header_stays_visible_and_explains_itself(workbook: Workbook) -> None:
    sheet = workbook["prod"]

    assert sheet.freeze_panes == "B2"
    assert [cell.value for cell in sheet[1]] == [parameter.title for parameter in ROWS]
    for cell, parameter in zip(sheet[1], ROWS, strict=True):
        assert cell.comment is not None
        assert cell.comment.text == parameter.meaning


def test_columns_are_as_the_specification_names_them(workbook: Workbook) -> None:
    titles = {cell.value for cell in workbook["prod"][1]}

    assert titles >= {
        "Contact Column",
        "Lead Column",
        "Account Column",
        "Entity Column",
        "Sync Direction",
        "Filter",
        "Spotler Column",
    }


def test_cells_with_a_few_possible_values_have_drop_downs(workbook: Workbook) -> None:
    offers = {offer.formula1 for offer in workbook["prod"].data_validations.dataValidation}
    settings = {offer.formula1 for offer in workbook["prod settings"].data_validations.dataValidation}

    assert offers == {
        '"->,<-,<->"',
        '"crm,spotler,newest,ask"',
        '"clear,keep"',
        '"fail,omit"',
        "Spotler!$A$1:$A$3",
    }
    assert settings == {'"keep,clearPermissions,anonymize"'}


def test_the_spotler_columns_of_the_account_are_offered_from_a_hidden_sheet(workbook: Workbook) -> None:
    hidden = workbook["Spotler"]

    assert hidden.sheet_state == "hidden"
    assert [cell.value for cell in hidden["A"]] == PROPERTIES


def test_empty_cells_take_what_is_typed_as_text(workbook: Workbook) -> None:
    columns = workbook["prod"].column_dimensions

    assert {columns[letter].number_format for letter in "ABCDEFGHIJKLM"} == {"@"}


# -------------------------------------------------------------------------------------------- what a consultant may do


def test_rows_may_be_added_moved_and_left_empty() -> None:
    def edit(workbook: Workbook) -> None:
        sheet = workbook["prod"]
        sheet["A9"], sheet["B9"] = "birthday", "birthdate"
        sheet.move_range("A3:M3", rows=4)

    mapping = from_workbook(edited(edit), "prod")

    assert [row.property_name for row in mapping.rows] == ["email", "gender", "city", "firstName", "birthday"]


def test_columns_may_be_reordered_and_left_out() -> None:
    def edit(workbook: Workbook) -> None:
        sheet = workbook.create_sheet("small")
        sheet.append(["Contact Column", "Spotler Column"])
        sheet.append(["emailaddress1", "email"])
        workbook.create_sheet("small settings")

    expected = read_mapping({"version": 1, "rows": [{"spotler": "email", "contact": "emailaddress1"}]})
    assert from_workbook(edited(edit), "small") == expected


@pytest.mark.parametrize(
    ("typed", "text"),
    [(1, "1"), (2.0, "2"), (2.5, "2.5"), (True, "true"), (datetime(2026, 3, 1), "2026-03-01")],  # noqa: DTZ001  # as Excel has it
)
def test_values_that_the_program_converted_are_text_again(typed: object, text: str) -> None:
    def edit(workbook: Workbook) -> None:
        workbook["prod"]["G5"].value = typed

    mapping = from_workbook(edited(edit), "prod")

    assert mapping.rows[3].only == text


def test_sheets_of_ones_own_stay_when_the_mapping_is_exported_again() -> None:
    def edit(workbook: Workbook) -> None:
        workbook.create_sheet("notes", 0)["A1"] = "=1+1"
        workbook["prod"]["B3"] = "=2+2"

    again = to_workbook("prod", MAPPING, PROPERTIES, into=edited(edit))

    workbook = openpyxl.load_workbook(io.BytesIO(again))
    assert workbook.sheetnames == ["notes", "prod", "prod settings", "Spotler"]
    assert workbook["notes"]["A1"].value == "=1+1"
    assert from_workbook(again, "prod") == MAPPING


# ------------------------------------------------------------------------------------------------------- what is wrong


def test_a_formula_is_refused_with_its_cell() -> None:
    assert complaint_about({"B3": "=1+1"}) == "prod!B3: a formula; a mapping holds texts only"


def test_a_formula_among_the_settings_is_refused_too() -> None:
    assert "prod settings!B1: a formula" in complaint_about({"prod settings!B1": '=HYPERLINK("https://example.com")'})


def test_an_expression_that_is_none_is_refused_with_its_cell_and_its_position() -> None:
    assert complaint_about({"B4": "lookup(account.name"}) == (
        "prod!B4: 'lookup(account.name', position 15: expected ).column"
    )


def test_a_wrong_value_is_refused_with_its_cell() -> None:
    complaint = complaint_about({"F3": "to Spotler", "prod settings!B4": "forget"})

    assert "prod!F3: Input should be '->', '<-' or '<->'" in complaint
    assert "prod settings!B4: Input should be 'keep', 'clearPermissions' or 'anonymize'" in complaint


def test_a_missing_cell_is_reported_by_its_row() -> None:
    assert complaint_about({"B4": None}) == "prod!A4: a row needs a contact, lead, account or entity column"


def test_a_column_that_no_mapping_has_is_refused_with_its_cell() -> None:
    assert complaint_about({"N1": "Colour"}) == "prod!N1: 'Colour' is no column of a mapping, or here twice"


def test_a_value_outside_the_columns_is_refused_with_its_cell() -> None:
    assert complaint_about({"P3": "a remark"}) == "prod!P3: a value without a title"


def test_a_sheet_without_its_first_column_is_refused() -> None:
    assert "the column 'Spotler Column' is missing" in complaint_about({"A1": None})


def test_a_sheet_that_has_lost_its_settings_is_refused_for_its_filters_would_be_lost_too() -> None:
    content = edited(lambda workbook: workbook.remove(workbook["prod settings"]))

    with pytest.raises(WorkbookError, match="there is no sheet prod settings; the workbook has prod"):
        from_workbook(content, "prod")


@pytest.mark.parametrize("far_away", ["A20000", "ZZ2"])
def test_a_sheet_of_unlikely_size_is_refused(far_away: str) -> None:
    assert "delete the empty ones at the end" in complaint_about({far_away: "x"})


def test_a_translation_that_is_none_is_refused_with_its_cell() -> None:
    assert complaint_about({"J4": "1 = M\nmale"}) == "prod!J4: 'male': write one translation to a line, such as 1 = M"


def test_a_text_that_no_cell_can_hold_is_refused_when_it_is_written() -> None:
    email = {"spotler": "email", "contact": "emailaddress1", "comment": "x" * 32_768}
    mapping = read_mapping({"version": 1, "rows": [email]})

    with pytest.raises(WorkbookError, match="prod!M2: longer than the 32767 characters of a cell: use YAML"):
        to_workbook("prod", mapping, [])


# --------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("form", Format)
def test_a_file_is_read_by_what_it_is_not_by_its_name(form: Format) -> None:
    assert read_file(write_file(MAPPING, form, "prod", PROPERTIES), "prod") == MAPPING


def test_a_workbook_of_other_environments_is_refused_and_names_its_sheets() -> None:
    with pytest.raises(MappingError, match="there is no sheet acc; the workbook has prod"):
        read_file(to_workbook("prod", MAPPING, []), "acc")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "version and rows"),
        (b"\xff\xfe", "neither YAML in UTF-8 nor a workbook"),
        (b"PK", "no workbook"),
        (with_an_unreadable_name(), "damaged: UnicodeDecodeError"),
        (b"x" * (LARGEST + 1), "larger than"),
    ],
)
def test_a_file_that_is_no_mapping_says_what_is_wrong(content: bytes, complaint: str) -> None:
    with pytest.raises(MappingError, match=complaint):
        read_file(content, "prod")


def test_a_small_file_that_unpacks_to_a_large_one_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 30_000_000)

    with pytest.raises(WorkbookError, match="too large"):
        read_file(buffer.getvalue(), "prod")


def test_settings_are_all_on_their_sheet(workbook: Workbook) -> None:
    assert [cell.value for cell in workbook["prod settings"]["A"]] == [parameter.title for parameter in SETTINGS]
