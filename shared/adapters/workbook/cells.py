"""Texts in cells: they are read back unchanged, and never become formulas.

A cell is written as text with `quotePrefix` and the number format Text. So neither opening nor editing it makes a
formula of `=…`, `+…`, `-…` or `@…`. Characters that XML does not have are escaped as in `_x0001_` (ECMA-376 part 1,
22.9.2.19, ST_Xstring).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from shared.domain.values.texts import trimmed
from shared.domain.wording.defects import FileDefect
from shared.domain.wording.phrase import PhraseError

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

TEXT_FORMAT = "@"
LONGEST = 32_767
"""The most characters (of UTF-16) in a cell: a limit of Excel."""

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TO_ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_TYPOGRAPHIC = frozenset("\u201c\u201d\u201e\u00ab\u00bb")
_CHOICE = re.compile(r'\s*(?P<value>"(?:[^"\\]|\\.)*"|[^=]*?)\s*=\s*(?P<text>.*?)\s*')
_PLAIN = re.compile(r'(?!\s)[^="\n\u201c\u201d\u201e\u00ab\u00bb]*(?<!\s)')


class CellError(PhraseError):
    """A cell has, or would have, an invalid content; the phrase says which."""


def write_text(sheet: Worksheet, row: int, column: int, text: str) -> Cell:
    """Write a text into a cell. CellError if it is too long."""
    escaped = _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    if len(escaped.encode("utf-16-le")) // 2 > LONGEST:
        raise CellError(FileDefect.LONG_CELL_TO_WRITE(most=LONGEST))
    cell: Cell = sheet.cell(row, column)  # type: ignore[assignment]  # the written sheets have no merged cells
    cell.value = escaped
    cell.data_type = "s"  # openpyxl may have guessed a formula or an error
    cell.number_format = TEXT_FORMAT
    cell.quotePrefix = True
    return cell


def read_text(value: object, data_type: str) -> str:
    """Return the text of a cell, empty if it has none; `data_type` is openpyxl's. CellError for formulas and errors."""
    if data_type == "f":
        raise CellError(FileDefect.FORMULA())
    if data_type == "e":
        raise CellError(FileDefect.ERROR(value=str(value)))
    match value:
        case None:
            return ""
        case str(text):
            return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        case _:
            return _typed(value)


def _typed(value: Any) -> str:
    """Return the text of a value that a spreadsheet program has converted."""
    match value:
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def choices_text(choices: Mapping[str, str]) -> str:
    """Write translations of option values, one to a line: `1 = M`. Ambiguous texts are quoted."""
    return "\n".join(f"{_quoted(value)} = {_quoted(text)}" for value, text in choices.items())


def read_choices(text: str) -> dict[str, str]:
    """Read the lines of `choices_text`. CellError for other lines."""
    choices: dict[str, str] = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.strip():
            continue
        found = _CHOICE.fullmatch(line)
        if found is None:
            raise CellError(FileDefect.TRANSLATION(line=repr(line)))
        if "=" in found["text"] and not found["text"].startswith('"'):
            raise CellError(FileDefect.TRANSLATION_IN_QUOTES(line=repr(line)))
        value = _unquoted(trimmed(found["value"]))
        if value in choices:
            raise CellError(FileDefect.TRANSLATED_TWICE(value=repr(value)))
        choices[value] = _unquoted(trimmed(found["text"]))
    return choices


def _quoted(text: str) -> str:
    return text if text and _PLAIN.fullmatch(text) and trimmed(text) == text else json.dumps(text, ensure_ascii=False)


def _unquoted(text: str) -> str:
    if text[:1] in _TYPOGRAPHIC or text[-1:] in _TYPOGRAPHIC:
        raise CellError(FileDefect.STRAIGHT_QUOTES(text=text))
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        raise CellError(FileDefect.QUOTES(text=text)) from None
