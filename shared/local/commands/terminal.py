"""What the commands share: an argument that names a record, and tables for a terminal."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from shared.domain.records.records import RecordKey


def record(text: str) -> RecordKey:
    """Read an argument such as `contact:6d81597f-…`; argparse reports what is wrong with it."""
    try:
        return RecordKey.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no record: write its table and id, contact:6d81597f-…") from None


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table with aligned columns; the width of the last one is not limited."""
    lines = [tuple(header), *(tuple(_printable(text) for text in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    rule = tuple("-" * width for width in widths)
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in (lines[0], rule, *lines[1:])]


def _printable(text: str) -> str:
    """Replace control characters: they could steer the terminal or break the line."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
