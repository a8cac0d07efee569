"""Tables for people in a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table with aligned columns; the last one may be as long as it likes."""
    lines = [tuple(header), *(tuple(_printable(text) for text in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    rule = tuple("-" * width for width in widths)
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in (lines[0], rule, *lines[1:])]


def _printable(text: str) -> str:
    """Let no text steer the terminal, nor break the line."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
