"""A file to keep: rows as CSV, without cells that a spreadsheet would execute."""

from collections.abc import Iterable, Mapping, Sequence

from shared.console.web import Download
from shared.domain.values.csv_text import csv_header, csv_lines


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> Download:
    """Return rows with these columns as a file `{name}.csv`."""
    text = csv_header(columns) + csv_lines(columns, rows)
    return Download(text.encode(), "text/csv; charset=utf-8", f"{name}.csv")
