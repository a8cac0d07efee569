"""Opens a workbook from outside: nothing in it is executed, and its cost is limited."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from shared.adapters.workbook.bounds import WorkbookError, WorkbookPart, check_archive, measure
from shared.adapters.workbook.cells import LONGEST
from shared.domain.wording.defects import FileDefect
from shared.domain.wording.phrase import Grouped

if TYPE_CHECKING:
    from openpyxl import Workbook

MOST_ROWS, MOST_COLUMNS = 10_000, 100
"""Of a sheet of a mapping: more were formatted by mistake."""

MOST_CHARACTERS = 1_000_000
"""Of all cells of a sheet: one stored text may be shown by many cells."""

_MOST_MERGED = 100
_LONGEST_PROLOG = 65_536
"""Bytes before the root element of a part: older parsers scan a long comment again with every block."""

_CUT_OFF = frozenset({3, 5, 6})
"""Expat's codes of a text that ends too early: no root element, within a token, within a character."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a sheet, with openpyxl's letter for its type: `f` is a formula, `e` an error."""

    sheet: str
    row: int
    column: int
    value: object = None
    data_type: str = "n"

    @property
    def address(self) -> str:
        """Return the address as spreadsheet programs write it, such as `prod!C7`."""
        from openpyxl.utils import get_column_letter  # noqa: PLC0415  # see `open_workbook`

        return f"{self.sheet}!{get_column_letter(self.column)}{self.row}"


def read_sheets(content: bytes, names: Collection[str]) -> dict[str, list[list[Cell]]]:
    """Return the rows of some sheets, each up to its last cell; other sheets are not read.

    WorkbookError if the file is no workbook, damaged or too large, or if a sheet is missing or hidden.
    """
    parts = _checked(content)
    with _reporting_damage(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about parts that openpyxl leaves out, such as images
        workbook = _loaded(content, read_only=True)
        try:
            visible = [sheet.title for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
            for name in names:
                if name not in visible:
                    raise WorkbookError([((), FileDefect.NO_SHEET(name=name, names=tuple(visible)))])
            return {name: _rows(workbook[name], parts) for name in names}
        finally:
            workbook.close()


def open_workbook(content: bytes) -> Workbook:
    """Open a trusted workbook, to write into it; WorkbookError if it is no workbook, damaged or too large.

    All its parts become objects; a file from outside must be read by `read_sheets`.
    """
    _checked(content)
    with _reporting_damage(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _loaded(content, read_only=False)


def _loaded(content: bytes, *, read_only: bool) -> Workbook:
    from openpyxl import load_workbook  # noqa: PLC0415  # takes a while to load, and most calls do not need it

    return load_workbook(BytesIO(content), read_only=read_only, keep_links=False)


def _checked(content: bytes) -> Mapping[str, WorkbookPart]:
    """Measure a file before it is opened."""
    with _reporting_damage(), _archive(content) as archive:
        check_archive(archive)
        if _has_document_type(archive):
            raise WorkbookError([((), FileDefect.DOCUMENT_TYPE())])
        return measure(archive)


def _archive(content: bytes) -> ZipFile:
    try:
        return ZipFile(BytesIO(content))
    except (BadZipFile, OSError, NotImplementedError):
        raise WorkbookError([((), FileDefect.NO_WORKBOOK())]) from None


def _rows(sheet: Any, parts: Mapping[str, WorkbookPart]) -> list[list[Cell]]:
    """Read a read-only sheet; its type is not published."""
    name = sheet.title
    part = parts[sheet._worksheet_path]  # noqa: SLF001  # no public attribute has it
    if not part.in_order:
        raise WorkbookError([((name,), FileDefect.NOT_IN_ORDER())])
    if len(part.merged) > _MOST_MERGED or not part.formulas_are_few:
        raise WorkbookError([((name,), FileDefect.MERGED())])
    hidden = [_boundaries(area) for area in part.merged]
    sheet.reset_dimensions()  # the size in the file may be wrong, and cells beyond it would be lost
    rows: list[list[Cell]] = []
    characters = 0
    for row, line in enumerate(sheet.iter_rows(), start=1):
        if row > MOST_ROWS or len(line) > MOST_COLUMNS:
            limits = FileDefect.ROWS(rows=MOST_ROWS, columns=MOST_COLUMNS)
            raise WorkbookError([((name,), limits)])
        cells = [Cell(name, row, column, cell.value, cell.data_type) for column, cell in enumerate(line, start=1)]
        for cell in cells:
            characters += _length(cell)
            if cell.value is not None and _is_hidden(cell, hidden):
                raise WorkbookError([((cell.address,), FileDefect.BENEATH_MERGED())])
        if characters > MOST_CHARACTERS:
            raise WorkbookError([((name,), FileDefect.CHARACTERS(most=Grouped(MOST_CHARACTERS)))])
        rows.append(cells)
    return rows


def _length(cell: Cell) -> int:
    length = len(cell.value) if isinstance(cell.value, str) else 0
    if length > LONGEST:
        raise WorkbookError([((cell.address,), FileDefect.LONG_CELL(most=Grouped(LONGEST)))])
    return length


def _boundaries(area: str) -> tuple[int, int, int, int]:
    from openpyxl.utils import range_boundaries  # noqa: PLC0415  # see `open_workbook`

    left, top, right, bottom = range_boundaries(area)
    return left or 1, top or 1, right or MOST_COLUMNS, bottom or MOST_ROWS


def _is_hidden(cell: Cell, merged: Iterable[tuple[int, int, int, int]]) -> bool:
    """Return whether a cell lies beneath merged ones, so that its value is invisible."""
    return any(
        left <= cell.column <= right and top <= cell.row <= bottom and (cell.column, cell.row) != (left, top)
        for left, top, right, bottom in merged
    )


@contextmanager
def _reporting_damage() -> Iterator[None]:
    """Turn any error that a damaged file causes in the libraries into a WorkbookError."""
    try:
        yield
    except WorkbookError:
        raise
    except Exception as problem:  # noqa: BLE001  # each part and compression can be damaged in its own way
        raise _damaged(problem) from None


def _damaged(problem: Exception) -> WorkbookError:
    return WorkbookError([((), FileDefect.DAMAGED(cause=type(problem).__name__))])


def _has_document_type(archive: ZipFile) -> bool:
    """Return whether any part may have a document type, in any encoding, used or not: entities need one.

    It precedes the root element, so reading ends there. A part that is no XML, such as an image, has none.
    """
    for entry in archive.infolist():
        with archive.open(entry) as part:
            beginning = part.read(_LONGEST_PROLOG)
        try:
            next(iterparse(BytesIO(beginning), events=("start",), forbid_dtd=True), None)
        except DefusedXmlException:
            return True
        except ParseError as problem:
            if len(beginning) == _LONGEST_PROLOG and problem.code in _CUT_OFF:
                return True
        except (LookupError, ValueError):
            continue
    return False
