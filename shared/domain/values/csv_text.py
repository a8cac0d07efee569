"""Writes rows as CSV without cells that a spreadsheet would execute as formulas, for any separator.

A spreadsheet may read with the separator of its country: Dutch ones split at `;`, so cells can begin within the written
cells. Every cell is quoted, and an apostrophe is written wherever a formula could begin.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

_BEGINS_FORMULA = re.compile(
    '(^(?=[\t\r\n])|(?:^|[,;\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029])(?=[\\s"]*[=+\\-@\uff1d\uff0b\uff0d\uff20]))'
)
"""The beginning of a cell, or a separator or line end within it, before characters that spreadsheets execute (OWASP,
"CSV Injection"): also after blanks and quotes, which some readers remove, and in full width."""


def csv_header(columns: Sequence[str]) -> str:
    """Write the first line."""
    return _written([columns])


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Write rows, each with these columns in this order; lines end as in RFC 4180."""
    return _written([_harmless(row[column]) for column in columns] for row in rows)


def _written(lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(lines)
    return text.getvalue()


def _harmless(cell: str) -> str:
    return _BEGINS_FORMULA.sub(r"\1'", cell)
