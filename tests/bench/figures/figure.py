"""Figures that can be compared between machines, and with those of an earlier day."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

_BASELINE = Path(__file__).with_name("baseline.json")
_TOLERATED = 0.2


class Better(StrEnum):
    """Which way a figure gets better."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True)
class Figure:
    """A ratio: of two contenders on one machine, or of the connector and `yardstick`. Seconds alone are no figure."""

    name: str
    value: float
    better: Better = Better.HIGHER


@dataclass(frozen=True)
class Measured:
    """What a benchmark leaves: figures, and for docs/performance.md Markdown and plots (SVG, by name)."""

    figures: Sequence[Figure] = ()
    markdown: str = ""
    plots: Mapping[str, str] = field(default_factory=dict)


def yardstick() -> float:
    """Measure how often a second this core does a fixed piece of work in Python: JSON, hashes, dictionaries."""
    body = {"contact": "6d81597f-0f9f-e711-8122-000d3aa2331c", "base": {f"field{n}": "x" * 20 for n in range(15)}}
    rounds, began = 0, time.process_time()
    while time.process_time() - began < 1:
        for _ in range(100):
            text = json.dumps(body)
            hashlib.sha256(text.encode()).hexdigest()
            {name: value.upper() for name, value in json.loads(text)["base"].items()}
        rounds += 100
    return rounds / (time.process_time() - began)


def keep_baseline(figures: Iterable[Figure]) -> None:
    """Write figures as the baseline; others that it has stay."""
    known = {one.name: one for one in _baseline()} | {one.name: one for one in figures}
    body = {name: {"value": float(f"{one.value:.4g}"), "better": one.better} for name, one in sorted(known.items())}
    _BASELINE.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


def compared(figures: Sequence[Figure]) -> list[str]:
    """Return a line for each figure that is more than 20 % worse than the baseline, or that the baseline lacks."""
    known = {one.name: one.value for one in _baseline()}
    lines: list[str] = []
    for one in figures:
        if one.name not in known:
            lines.append(f"{one.name}: {one.value:.3g}, not in the baseline")
        elif (change := _worse(one, known[one.name])) > _TOLERATED:
            lines.append(f"{one.name}: {one.value:.3g}, {change:.0%} worse than {known[one.name]:.3g}")
    return lines


def _worse(figure: Figure, before: float) -> float:
    """Return by which share a figure is worse than before; negative if it is better."""
    match figure.better:
        case Better.HIGHER:
            return 1 - figure.value / before
        case Better.LOWER:
            return figure.value / before - 1


def _baseline() -> list[Figure]:
    if not _BASELINE.exists():
        return []
    body = json.loads(_BASELINE.read_text(encoding="utf-8"))
    return [Figure(name, one["value"], Better(one["better"])) for name, one in body.items()]
