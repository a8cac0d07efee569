"""A sheet becomes a mapping again, and whatever is wrong with it has the address of its cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.core.mapping.document import MappingError, Place, read_mapping
from shared.core.mapping.model import Mapping as FieldMapping
from shared.core.texts import trimmed
from shared.workbook.cells import CellError, read_choices, read_text
from shared.workbook.layout import MOST_COLUMNS, MOST_ROWS, ROWS, SETTINGS, Kind, Parameter, settings_sheet
from shared.workbook.opening import WorkbookError, open_workbook

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell import Cell, MergedCell


def from_workbook(content: bytes, environment: str) -> FieldMapping:
    """Read the mapping of an environment; WorkbookError lists all that is wrong. Other sheets are not looked at."""
    workbook = open_workbook(content)
    visible = [sheet.title for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    for name in (environment, settings_sheet(environment)):  # without its settings, a mapping would lose its filters
        if name not in visible:
            raise WorkbookError([((), f"there is no sheet {name}; the workbook has {', '.join(visible)}")])
        if workbook[name].max_row > MOST_ROWS or workbook[name].max_column > MOST_COLUMNS:
            limits = f"more than {MOST_ROWS} rows or {MOST_COLUMNS} columns; delete the empty ones at the end"
            raise WorkbookError([((name,), limits)])
    return _Reader(workbook, environment).mapping()


@dataclass(slots=True)
class _Reader:
    """Reads one environment and collects what is wrong with it."""

    workbook: Workbook
    environment: str
    problems: list[tuple[Place, str]] = field(default_factory=list)
    places: dict[Place, str] = field(default_factory=dict)

    def mapping(self) -> FieldMapping:
        document = {"version": 1, **self._settings(), "rows": self._rows()}
        if self.problems:
            raise WorkbookError(self.problems)
        try:
            return read_mapping(document)
        except MappingError as problem:
            raise WorkbookError(list(self._located(problem))) from None

    def _rows(self) -> list[dict[str, Any]]:
        lines = self.workbook[self.environment].iter_rows()
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
        known = {_folded(parameter.title): parameter for parameter in ROWS}
        columns: list[Parameter | None] = []
        for cell in header:
            title = self._text(cell).strip()
            parameter = known.pop(_folded(title), None)
            if title and parameter is None:
                self._complain(cell, f"{title!r} is no column of a mapping, or here twice")
            columns.append(parameter)
        if _folded(ROWS[0].title) in known:
            self.problems.append(((f"{self.environment}!A1",), f"the column {ROWS[0].title!r} is missing"))
        return columns

    def _settings(self) -> dict[str, Any]:
        known = {_folded(parameter.title): parameter for parameter in SETTINGS}
        settings: dict[str, Any] = {}
        for line in self.workbook[settings_sheet(self.environment)].iter_rows(max_col=2):
            title = self._text(line[0]).strip()
            parameter = known.pop(_folded(title), None)
            if title and parameter is None:
                self._complain(line[0], f"{title!r} is no setting of a mapping, or here twice")
            for cell in line[1:]:
                self._take(parameter, cell, settings, ())
        return settings

    def _take(self, parameter: Parameter | None, cell: Cell | MergedCell, values: dict[str, Any], place: Place) -> None:
        """Put the value of a cell where its parameter belongs."""
        text = self._text(cell)
        is_remark = parameter is not None and parameter.kind is Kind.COMMENT
        if not (text if is_remark else trimmed(text)):
            return
        if parameter is None:
            self._complain(cell, "a value without a title")
            return
        self.places[*place, *parameter.path] = self._address(cell)
        try:
            value = _value_of(parameter.kind, text)
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


def _value_of(kind: Kind, text: str) -> str | dict[str, str]:
    """Return what a cell says; blanks around it are no part of that, but for what only people read."""
    match kind:
        case Kind.CHOICES:
            return read_choices(text)
        case Kind.COMMENT:
            return text
        case Kind.TEXT | Kind.SPOTLER:
            return trimmed(text)


def _folded(title: str) -> str:
    """Return a title as it is compared: capitals and kinds of blanks do not matter."""
    return " ".join(title.split()).casefold()
