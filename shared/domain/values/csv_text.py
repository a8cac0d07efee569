"""Rows as CSV that a spreadsheet may open: no cell is taken for a formula, whichever separator it reads with.

A spreadsheet reads by the separator of its country: Dutch ones at `;`, whatever this file is written with, and then
cells begin within our cells. Every cell is quoted, and an apostrophe stands wherever a formula could begin.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

_BEGINS_FORMULA = re.compile(
    '(^(?=[\t\r\n])|(?:^|[,;\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029])(?=[\\s"]*[=+\\-@\uff1d\uff0b\uff0d\uff20]))'
)
"""The beginning of a cell, or a separator or line end within it, before what spreadsheets execute (OWASP, "CSV
Injection"): also after blanks and quotes, which some readers take away, and in full width."""


def csv_header(columns: Sequence[str]) -> str:
    """Write the first line."""
    return _written([columns])


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Write rows, each with these columns in this order; lines end as RFC 4180 says."""
    return _written([_harmless(row[column]) for column in columns] for row in rows)


def _written(lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(lines)
    return text.getvalue()


def _harmless(cell: str) -> str:
    return _BEGINS_FORMULA.sub(r"\1'", cell)
