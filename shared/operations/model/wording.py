"""Quotes names in texts for people."""

from collections.abc import Sequence


def quoted(names: Sequence[str]) -> str:
    """Put names in quotation marks: "A", "B"."""
    return ", ".join(f'"{name}"' for name in names)
