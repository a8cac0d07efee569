"""A workbook becomes mappings again. Nothing in it is executed, and whatever is wrong has the address of its cell."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from shared.core.mapping.document import MappingError, Place, read_mapping
from shared.core.mapping.model import Mapping as FieldMapping
from shared.workbook.cells import CellError, read_choices, read_text
from shared.workbook.layout import (
    HIDDEN,
    MOST_ROWS,
    ROWS,
    SETTINGS,
    SETTINGS_SUFFIX,
    Kind,
    Parameter,
    settings_sheet,
)
from shared.workbook.writing import WorkbookError

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell import Cell, MergedCell
    from openpyxl.worksheet.worksheet import Worksheet

_MOST_BYTES = 20_000_000
"""Of the unpacked workbook: a small file may hold gigabytes."""


def from_workbook(content: bytes) -> dict[str, FieldMapping]:
    """Read the mapping of every environment in the workbook; WorkbookError lists all that is wrong."""
    workbook = _load(content)
    environments = [name for name in workbook.sheetnames if name != HIDDEN and not name.endswith(SETTINGS_SUFFIX)]
    if not environments:
        raise WorkbookError([((), "there is no sheet with the name of an environment")])
    return {environment: _Reader(workbook, environment).mapping() for environment in environments}


def _load(content: bytes) -> Workbook:
    from openpyxl import load_workbook  # noqa: PLC0415  # takes a while to load, and most calls do not need it

    try:
        with ZipFile(BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (BadZipFile, OSError):
        raise WorkbookError([((), "this is no workbook (.xlsx)")]) from None
    if unpacked > _MOST_BYTES:
        raise WorkbookError([((), "the workbook is too large")])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parts that openpyxl leaves out, such as images, matter to nobody here
            return load_workbook(BytesIO(content), keep_links=False)
    except Exception as problem:  # noqa: BLE001  # openpyxl lets out whatever a damaged file makes it stumble over
        raise WorkbookError([((), f"the workbook (.xlsx) is damaged: {type(problem).__name__}")]) from None


@dataclass(slots=True)
class _Reader:
    """Reads one environment and collects what is wrong with it."""

    workbook: Workbook
    environment: str
    problems: list[tuple[Place, str]] = field(default_factory=list)
    places: dict[Place, str] = field(default_factory=dict)

    def mapping(self) -> FieldMapping:
        document = {"version": 1, **self._settings(), "rows": self._rows()}
        self._stop_if_wrong()
        try:
            return read_mapping(document)
        except MappingError as problem:
            self.problems += self._located(problem)
        self._stop_if_wrong()
        raise AssertionError("a mapping error names a problem")

    def _rows(self) -> list[dict[str, Any]]:
        sheet: Worksheet = self.workbook[self.environment]
        if sheet.max_row > MOST_ROWS:
            raise WorkbookError(
                [((self.environment,), f"more than {MOST_ROWS} rows; delete the empty ones at the end")]
            )
        lines = sheet.iter_rows()
        columns = self._columns(next(lines, ()))
        rows: list[dict[str, Any]] = []
        for line in lines:
            row: dict[str, Any] = {}
            for parameter, cell in zip(columns, line, strict=False):
                self._take(parameter, cell, row, ("rows", len(rows)))
            if row:
                self.places["rows", len(rows)] = self._address(line[0])
                rows.append(row)
        return rows

    def _columns(self, header: Sequence[Cell | MergedCell]) -> list[Parameter | None]:
        known = {parameter.title: parameter for parameter in ROWS}
        columns: list[Parameter | None] = []
        for cell in header:
            title = self._text(cell).strip()
            parameter = known.pop(title, None)
            if title and parameter is None:
                self._complain(cell, f"{title!r} is no column of a mapping, or here twice")
            columns.append(parameter)
        if ROWS[0].title in known:
            self.problems.append(((f"{self.environment}!A1",), f"the column {ROWS[0].title!r} is missing"))
        return columns

    def _settings(self) -> dict[str, Any]:
        name = settings_sheet(self.environment)
        if name not in self.workbook.sheetnames:
            return {}
        known = {parameter.title: parameter for parameter in SETTINGS}
        settings: dict[str, Any] = {}
        for line in self.workbook[name].iter_rows(max_row=MOST_ROWS, max_col=2):
            title = self._text(line[0]).strip()
            parameter = known.pop(title, None)
            if title and parameter is None:
                self._complain(line[0], f"{title!r} is no setting of a mapping, or here twice")
            for cell in line[1:]:
                self._take(parameter, cell, settings, ())
        return settings

    def _take(self, parameter: Parameter | None, cell: Cell | MergedCell, values: dict[str, Any], place: Place) -> None:
        """Put the value of a cell where its parameter belongs."""
        text = self._text(cell)
        if not text:
            return
        if parameter is None:
            self._complain(cell, "a value without a title")
            return
        self.places[*place, *parameter.path] = self._address(cell)
        try:
            value = read_choices(text) if parameter.kind is Kind.CHOICES else text
        except CellError as problem:
            self._complain(cell, str(problem))
            return
        for part in parameter.path[:-1]:
            values = values.setdefault(part, {})
        values[parameter.path[-1]] = value

    def _text(self, cell: Cell | MergedCell) -> str:
        try:
            return read_text(cell)
        except CellError as problem:
            self._complain(cell, str(problem))
            return ""

    def _address(self, cell: Cell | MergedCell) -> str:
        return f"{cell.parent.title}!{cell.coordinate}"

    def _complain(self, cell: Cell | MergedCell, text: str) -> None:
        self.problems.append(((self._address(cell),), text))

    def _located(self, problem: MappingError) -> Iterator[tuple[Place, str]]:
        """Name the cell of every place that the mapping's own checks complain about, or the row."""
        for place, text in problem.places:
            parts = place
            while parts and parts not in self.places:
                parts = parts[:-1]
            yield (self.places.get(parts, self.environment),), text

    def _stop_if_wrong(self) -> None:
        if self.problems:
            raise WorkbookError(self.problems)
