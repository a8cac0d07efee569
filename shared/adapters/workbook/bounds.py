"""Limits of a workbook, checked before objects are made of it.

A few kilobytes can name the cells of a whole sheet, and a megabyte of markup becomes a gigabyte of objects. So each
part is first counted with expat, which keeps nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from shared.domain.mapping.formats.document import MappingError
from shared.domain.wording.defects import FileDefect
from shared.domain.wording.phrase import Grouped, Phrase

MOST_BYTES = 20_000_000
"""Of the unpacked workbook: a small file may contain gigabytes."""

MOST_PARTS = 1_000
MOST_SHEETS = 50
MOST_CELLS = 300_000
"""Elements of cells and shared texts; about three for a cell."""

MOST_OTHERS = 30_000
"""All other elements: each becomes an object of a kilobyte or more, and takes some 50 microseconds."""

_DEEPEST = 100
_LONGEST_TAG = 1_000_000
"""Bytes of one tag or comment."""

_MOST_ATTRIBUTES = 100
_MOST_RANGE_PAIRS = 1_000_000
"""Ranges of one rule are compared with each other."""

_MOST_FORMULA_WORK = 5_000_000
"""Characters: a shared formula is read again for each cell that shares it."""

_BLOCK = 65_536
_LIGHT = frozenset({"row", "c", "v", "f", "is", "t", "si"})
_ADDRESS = re.compile(r"(?P<column>[A-Z]{1,3})(?P<row>[0-9]{1,7})")
_COMPRESSIONS = frozenset({ZIP_STORED, ZIP_DEFLATED})
"""The methods that Office uses. With LZMA, the file would choose how much memory it takes."""


class WorkbookError(MappingError):
    """The workbook cannot be written or read; places are addresses of cells, such as `prod!C7`."""


@dataclass(slots=True)
class WorkbookPart:
    """The facts about a sheet that are checked before its cells are read."""

    merged: list[str] = field(default_factory=list)
    in_order: bool = True
    """Whether rows and cells are in the order of their addresses, each once."""

    shared_formulas: int = 0
    longest_formula: int = 0

    @property
    def formulas_are_few(self) -> bool:
        """Whether the formulas of a sheet can be read quickly."""
        return self.shared_formulas * self.longest_formula <= _MOST_FORMULA_WORK


def check_archive(archive: ZipFile) -> None:
    """Check the table of contents; WorkbookError for a file that is too large or has an unusual compression."""
    entries = archive.infolist()
    if len(entries) > MOST_PARTS or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise _too_large(FileDefect.UNPACKED(bytes=Grouped(MOST_BYTES), parts=Grouped(MOST_PARTS)))
    if any(entry.compress_type not in _COMPRESSIONS for entry in entries):
        raise WorkbookError([((), FileDefect.PACKING())])


def measure(archive: ZipFile) -> Mapping[str, WorkbookPart]:
    """Count the elements of each part; WorkbookError for more than a mapping can need."""
    counter = _Counter()
    return {entry.filename: counter.part(archive, entry.filename) for entry in archive.infolist()}


def _too_large(limit: Phrase) -> WorkbookError:
    return WorkbookError([((), FileDefect.WORKBOOK_TOO_LARGE(limit=limit))])


class _Counter:
    """Counts the elements of all parts."""

    def __init__(self) -> None:
        self._cells = self._others = self._pairs = self._sheets = 0

    def part(self, archive: ZipFile, name: str) -> WorkbookPart:
        found = WorkbookPart()
        parser = ParserCreate(namespace_separator=" ")
        _PartReader(self, found, parser)
        fed = 0
        with archive.open(name) as source:
            while block := source.read(_BLOCK):
                try:
                    parser.Parse(block, False)  # noqa: FBT003  # positional only
                except WorkbookError:
                    raise
                except (ExpatError, LookupError, ValueError):  # an image, or damaged, which reading the cells reports
                    break
                fed += len(block)
                if fed - max(0, parser.CurrentByteIndex) > _LONGEST_TAG:
                    raise _too_large(FileDefect.TAG(most=Grouped(_LONGEST_TAG)))
        return found

    def count(self, name: str) -> None:
        if name in _LIGHT:
            self._cells += 1
            if self._cells > MOST_CELLS:
                raise _too_large(FileDefect.CELLS(most=Grouped(MOST_CELLS // 3)))
        else:
            self._others += 1
            if self._others > MOST_OTHERS:
                raise _too_large(FileDefect.OTHERS(most=Grouped(MOST_OTHERS)))

    def sheet(self) -> None:
        self._sheets += 1
        if self._sheets > MOST_SHEETS:
            raise _too_large(FileDefect.SHEETS(most=MOST_SHEETS))

    def compare(self, ranges: int) -> None:
        self._pairs += ranges * ranges
        if self._pairs > _MOST_RANGE_PAIRS:
            raise _too_large(FileDefect.RANGES())


class _PartReader:
    """Receives the elements of one part."""

    def __init__(self, counter: _Counter, found: WorkbookPart, parser: XMLParserType) -> None:
        self._counter = counter
        self._found = found
        self._parser = parser
        self._depth = self._row = self._column = self._formula = 0
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        self._counter.count(name)
        self._depth += 1
        if self._depth > _DEEPEST or len(attributes) > _MOST_ATTRIBUTES:
            raise WorkbookError([((), FileDefect.NESTING())])
        if (ranges := attributes.get("sqref")) is not None:
            self._counter.compare(ranges.count(" ") + 1)
        match name:
            case "row":
                self._row = self._next(self._row, attributes.get("r"))
                self._column = 0
            case "c":
                address = attributes.get("r")
                self._column = self._next(self._column, None if address is None else self._column_of(address))
            case "f":
                self._formula = 0
                self._found.shared_formulas += attributes.get("t") == "shared"
                self._parser.CharacterDataHandler = self._formula_text
            case "mergeCell":
                self._found.merged.append(attributes.get("ref", ""))
            case "sheet":
                self._counter.sheet()
            case "Relationship" if "chartsheet" in attributes.get("Type", ""):
                raise WorkbookError([((), FileDefect.CHART())])

    def _end(self, _tag: str) -> None:
        self._depth -= 1
        self._parser.CharacterDataHandler = None

    def _formula_text(self, text: str) -> None:
        self._formula += len(text)
        self._found.longest_formula = max(self._found.longest_formula, self._formula)

    def _next(self, last: int, place: str | int | None) -> int:
        """Return the number of a row or column: `place`, or else the one after `last`."""
        try:
            here = last + 1 if place is None else int(place)
        except ValueError:
            here = 0
        self._found.in_order &= here > last
        return here

    def _column_of(self, address: str) -> int:
        """Return 1 for A7 within row 7, and 0 for anything that is no address there."""
        found = _ADDRESS.fullmatch(address)
        if found is None or int(found["row"]) != self._row:
            return 0
        return sum((ord(letter) - 64) * 26**place for place, letter in enumerate(reversed(found["column"])))
