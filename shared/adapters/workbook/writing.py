"""Writes a mapping to a workbook: sheets per environment, with drop-downs, explanations and a frozen header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from shared.adapters.workbook.bounds import WorkbookError
from shared.adapters.workbook.cells import TEXT_FORMAT, CellError, choices_text, write_text
from shared.adapters.workbook.layout import HIDDEN, ROWS, SETTINGS, CellKind, Parameter, settings_sheet
from shared.adapters.workbook.opening import open_workbook
from shared.domain.mapping.formats.yaml_format import as_document
from shared.domain.mapping.model import Mapping as FieldMapping

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.datavalidation import DataValidation
    from openpyxl.worksheet.worksheet import Worksheet

_ROWS_TO_FILL = 1000
"""Rows below the header that have drop-downs."""

_TITLE_WIDTH = 24
_COMMENT_SIZE = (420, 110)
"""Points."""


def to_workbook(environment: str, mapping: FieldMapping, properties: Sequence[str], *, into: bytes = b"") -> bytes:
    """Write the mapping of an environment; `properties` are the names that the drop-downs offer.

    `into` is a workbook whose other sheets are kept. WorkbookError if a text does not fit into a cell.
    """
    workbook = open_workbook(into) if into else _empty_workbook()
    document = as_document(mapping)
    _write_rows(_fresh_sheet(workbook, environment), document["rows"], len(properties))
    _write_settings(_fresh_sheet(workbook, settings_sheet(environment)), document)
    _write_properties(_fresh_sheet(workbook, HIDDEN), properties)
    buffer = BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _empty_workbook() -> Workbook:
    from openpyxl import Workbook  # noqa: PLC0415  # takes a while to load, and most calls do not need it

    workbook = Workbook()
    if (first := workbook.active) is not None:
        workbook.remove(first)
    return workbook


def _fresh_sheet(workbook: Workbook, title: str) -> Worksheet:
    """Create an empty sheet, in the place of an earlier one with this title, or at the end."""
    index = len(workbook.sheetnames)
    if title in workbook.sheetnames:
        index = workbook.sheetnames.index(title)
        workbook.remove(workbook[title])
    sheet: Worksheet = workbook.create_sheet(title, index)
    return sheet


def _write_rows(sheet: Worksheet, rows: Sequence[Mapping[str, Any]], properties: int) -> None:
    from openpyxl.utils import get_column_letter  # noqa: PLC0415  # see above

    for column, parameter in enumerate(ROWS, 1):
        letter = get_column_letter(column)
        sheet.column_dimensions[letter].width = parameter.width
        sheet.column_dimensions[letter].number_format = TEXT_FORMAT
        _head(sheet, 1, column, parameter)
        _offer(sheet, f"{letter}2:{letter}{_ROWS_TO_FILL}", parameter, properties)
        for number, row in enumerate(rows, 2):
            _fill(sheet, number, column, parameter, row)
    sheet.freeze_panes = "B2"


def _write_settings(sheet: Worksheet, document: Mapping[str, Any]) -> None:
    for column, width in (("A", _TITLE_WIDTH), ("B", SETTINGS[0].width)):
        sheet.column_dimensions[column].width = width
    sheet.column_dimensions["B"].number_format = TEXT_FORMAT
    for number, parameter in enumerate(SETTINGS, 1):
        _head(sheet, number, 1, parameter)
        _offer(sheet, f"B{number}", parameter, 0)
        _fill(sheet, number, 2, parameter, document)


def _write_properties(sheet: Worksheet, properties: Sequence[str]) -> None:
    sheet.sheet_state = "hidden"
    for number, name in enumerate(properties, 1):
        write_text(sheet, number, 1, name)


def _head(sheet: Worksheet, row: int, column: int, parameter: Parameter) -> None:
    from openpyxl.comments import Comment  # noqa: PLC0415  # see above
    from openpyxl.styles import Font, PatternFill  # noqa: PLC0415  # see above

    cell = write_text(sheet, row, column, parameter.title)
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor="DDE6F0")
    cell.comment = Comment(parameter.meaning, "Spotler Connector", width=_COMMENT_SIZE[0], height=_COMMENT_SIZE[1])


def _offer(sheet: Worksheet, cells: str, parameter: Parameter, properties: int) -> None:
    """Add a drop-down. It only warns: reading the workbook decides whether a value is valid."""
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415  # see above

    if parameter.kind is CellKind.SPOTLER and properties:
        source = f"{HIDDEN}!$A$1:$A${properties}"
    elif parameter.options:
        source = f'"{",".join(parameter.options)}"'
    else:
        return
    offer: DataValidation = DataValidation(
        type="list", formula1=source, allow_blank=True, showErrorMessage=True, errorStyle="warning"
    )
    offer.add(cells)
    sheet.add_data_validation(offer)


def _fill(sheet: Worksheet, row: int, column: int, parameter: Parameter, values: Mapping[str, Any]) -> None:
    from openpyxl.styles import Alignment  # noqa: PLC0415  # see above

    value: Any = values
    for part in parameter.path:
        value = value.get(part, {})
    text = choices_text(value) if parameter.kind is CellKind.CHOICES else str(value or "")
    if not text:
        return
    try:
        cell = write_text(sheet, row, column, text)
    except CellError as problem:
        raise WorkbookError([((f"{sheet.title}!{sheet.cell(row, column).coordinate}",), problem.text)]) from None
    cell.alignment = Alignment(wrap_text=True, vertical="top")
