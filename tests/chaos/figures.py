"""What a scenario measures, and how that is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_HEAD = (
    "scenario",
    "records",
    "faults",
    "back to normal after",
    "requests per record",
    "retries",
    "dead letters",
    "slowest record",
)


@dataclass(slots=True)
class Figures:
    """One row: durations in seconds; `recovery` from the last fault to calm, `slowest` from a save to its effect."""

    scenario: str
    records: int = 0
    faults: int = 0
    recovery: float = 0.0
    requests: int = 0
    retries: int = 0
    dead: int = 0
    slowest: float = 0.0


def table(rows: Iterable[Figures]) -> str:
    """Return a table in Markdown."""
    lines = [_line(_HEAD), _line("---" for _ in _HEAD)]
    for row in rows:
        cells = (
            row.scenario,
            f"{row.records:,}",
            f"{row.faults:,}",
            duration(row.recovery),
            f"{row.requests / row.records:.2f}" if row.records else "",
            f"{row.retries:,}",
            f"{row.dead:,}",
            duration(row.slowest),
        )
        lines.append(_line(cells))
    return "\n".join(lines)


def merged(old: str, new: str) -> str:
    """Return the new figures, with those rows of the old ones that have not been measured again."""
    measured = {_name(line): line for line in new.splitlines() if line.startswith("| ")}
    kept = {_name(line): line for line in old.splitlines() if line.startswith("| ")}
    footer = [line for line in new.splitlines() if not line.startswith("| ")]
    return "\n".join([*{**kept, **measured}.values(), *footer])


def duration(seconds: float) -> str:
    """Write a duration as people do."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _name(line: str) -> str:
    return line.split(" | ", maxsplit=1)[0]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
