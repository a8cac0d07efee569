"""Rows as CSV that a spreadsheet may open: no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What spreadsheets execute at the beginning of a cell (OWASP, "CSV Injection")."""


def csv_header(columns: Sequence[str]) -> str:
    """Write the first line."""
    return _written([columns])


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Write rows, each with these columns in this order; lines end as RFC 4180 says."""
    return _written([_harmless(row[column]) for column in columns] for row in rows)


def _written(lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
