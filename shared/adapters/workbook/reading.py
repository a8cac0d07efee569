"""Reads a mapping from a workbook; every defect has the address of its cell."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.adapters.workbook.bounds import WorkbookError
from shared.adapters.workbook.cells import CellError, read_choices, read_text
from shared.adapters.workbook.layout import ROWS, SETTINGS, CellKind, Parameter, settings_sheet
from shared.adapters.workbook.opening import Cell, read_sheets
from shared.domain.mapping.formats.document import MappingError, Place, read_mapping
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.values.texts import trimmed
from shared.domain.wording.defects import FileDefect
from shared.domain.wording.phrase import Phrase


def from_workbook(content: bytes, environment: str) -> FieldMapping:
    """Read the mapping of an environment; WorkbookError lists all defects. Other sheets are not read."""
    # Without the sheet of its settings, a mapping would lose its filters.
    sheets = read_sheets(content, (environment, settings_sheet(environment)))
    return _Reader(sheets, environment).mapping()


@dataclass(slots=True)
class _Reader:
    """Reads one environment and collects the defects."""

    sheets: Mapping[str, Sequence[Sequence[Cell]]]
    environment: str
    problems: list[tuple[Place, Phrase]] = field(default_factory=list)
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
        lines = iter(self.sheets[self.environment])
        columns = self._columns(next(lines, ()))
        rows: list[dict[str, Any]] = []
        for line in lines:
            row: dict[str, Any] = {}
            for cell in line:
                parameter = columns[cell.column - 1] if cell.column <= len(columns) else None
                self._take(parameter, cell, row, ("rows", len(rows)))
            if row:
                self.places["rows", len(rows)] = line[0].address
                rows.append(row)
        return rows

    def _columns(self, header: Sequence[Cell]) -> list[Parameter | None]:
        known = {_folded(parameter.title): parameter for parameter in ROWS}
        columns: list[Parameter | None] = []
        for cell in header:
            title = self._text(cell).strip()
            parameter = known.pop(_folded(title), None)
            if title and parameter is None:
                self._complain(cell, FileDefect.NO_COLUMN(title=repr(title)))
            columns.append(parameter)
        if _folded(ROWS[0].title) in known:
            self.problems.append(((f"{self.environment}!A1",), FileDefect.COLUMN_MISSING(title=repr(ROWS[0].title))))
        return columns

    def _settings(self) -> dict[str, Any]:
        known = {_folded(parameter.title): parameter for parameter in SETTINGS}
        settings: dict[str, Any] = {}
        for line in self.sheets[settings_sheet(self.environment)]:
            if not line:
                continue
            title = self._text(line[0]).strip()
            parameter = known.pop(_folded(title), None)
            if title and parameter is None:
                self._complain(line[0], FileDefect.NO_SETTING(title=repr(title)))
            for cell in line[1:2]:
                self._take(parameter, cell, settings, ())
        return settings

    def _take(self, parameter: Parameter | None, cell: Cell, values: dict[str, Any], place: Place) -> None:
        """Store the value of a cell under the path of its parameter."""
        text = self._text(cell)
        is_remark = parameter is not None and parameter.kind is CellKind.COMMENT
        if not (text if is_remark else trimmed(text)):
            return
        if parameter is None:
            self._complain(cell, FileDefect.WITHOUT_TITLE())
            return
        self.places[*place, *parameter.path] = cell.address
        try:
            value = _value_of(parameter.kind, text)
        except CellError as problem:
            self._complain(cell, problem.text)
            return
        for part in parameter.path[:-1]:
            values = values.setdefault(part, {})
        values[parameter.path[-1]] = value

    def _text(self, cell: Cell) -> str:
        try:
            return read_text(cell.value, cell.data_type)
        except CellError as problem:
            self._complain(cell, problem.text)
            return ""

    def _complain(self, cell: Cell, text: Phrase) -> None:
        self.problems.append(((cell.address,), text))

    def _located(self, problem: MappingError) -> Iterator[tuple[Place, Phrase]]:
        """Yield the defects that the mapping's own checks found, each with its cell, or with its row."""
        for place, text in problem.places:
            parts = place
            while parts and parts not in self.places:
                parts = parts[:-1]
            yield (self.places.get(parts, self.environment),), text


def _value_of(kind: CellKind, text: str) -> str | dict[str, str]:
    """Return the value of a cell, without outer blanks except in a comment."""
    match kind:
        case CellKind.CHOICES:
            return read_choices(text)
        case CellKind.COMMENT:
            return text
        case CellKind.TEXT | CellKind.SPOTLER:
            return trimmed(text)


def _folded(title: str) -> str:
    """Return a title for comparison: case and kinds of blanks do not count."""
    return " ".join(title.split()).casefold()
