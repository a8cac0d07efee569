"""How large a mapping as a file may be. The table of routes reads it without the formats."""

LARGEST = 2_000_000
"""Bytes of a workbook, which may also have pictures and other sheets."""

LARGEST_TEXT = 200_000
"""Bytes of a mapping in YAML: a thousand rows with their comments."""
