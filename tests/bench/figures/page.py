"""docs/performance.md: its generated parts stand between marks with the name of their benchmark."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_PAGE, _IMAGES = _ROOT / "docs" / "performance.md", _ROOT / "docs" / "images"


def machine() -> str:
    """Describe where figures were measured."""
    return f"Python {platform.python_version()}, {os.cpu_count()} cores of {_processor()}"


def write_part(name: str, text: str) -> None:
    """Replace the part of a benchmark; ValueError if the page has no place for it."""
    page = _PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- bench {name} -->\n", f"<!-- /bench {name} -->"
    before, mark, rest = page.partition(begin)
    _, end_mark, after = rest.partition(end)
    if not (mark and end_mark):
        raise ValueError(f"docs/performance.md has no marks for {name}")
    _PAGE.write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{after}", encoding="utf-8")


def write_plot(name: str, svg: str) -> None:
    """Write a plot that the page shows."""
    (_IMAGES / f"performance-{name}.svg").write_text(svg, encoding="utf-8")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "an unknown processor"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
