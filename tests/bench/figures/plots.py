"""Bars as SVG on a logarithmic axis: they compare what differs by a factor of hundreds. No script, no font."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_LEFT, _RIGHT, _BAR, _GAP, _TOP = 235, 620, 18, 8, 46
_TONES = ("#1f6feb", "#8c959f", "#bf8700", "#57606a")


@dataclass(frozen=True)
class Bar:
    """A bar: its name, its length, the text at its end, and the number of its tone; 0 is that of the connector."""

    name: str
    value: float
    label: str
    tone: int = 1


def bars(title: str, unit: str, groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Draw bars in groups, the longest up to the right margin."""
    values = [bar.value for _, several in groups for bar in several]
    low, high = _floor(min(values)), max(values)
    rows: list[str] = []
    y = _TOP
    for name, several in groups:
        rows.append(f'<text x="12" y="{y + 12}" font-weight="600">{escape(name)}</text>')
        y += _BAR + 2
        for bar in several:
            width = max(2.0, (_RIGHT - _LEFT) * _share(bar.value, low, high))
            rows.append(
                f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(bar.name)}</text>'
                f'<rect x="{_LEFT}" y="{y}" width="{width:.0f}" height="{_BAR}" rx="2" fill="{_TONES[bar.tone]}"/>'
                f'<text x="{_LEFT + width + 6:.0f}" y="{y + 13}">{escape(bar.label)}</text>'
            )
            y += _BAR + _GAP
        y += _GAP
    lines = [_line(value, low, high, y) for value in _decades(low, high)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {y + 22}" role="img" aria-label="{escape(title)}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#57606a">\n'
        f'<rect width="720" height="{y + 22}" fill="#ffffff"/>\n'
        f'<text x="12" y="20" font-size="14" font-weight="600" fill="#24292f">{escape(title)}</text>\n'
        f'<text x="12" y="36">{escape(unit)}, logarithmic</text>\n' + "\n".join([*lines, *rows]) + "\n</svg>\n"
    )


def _floor(value: float) -> float:
    """Return the power of ten below a value, so that the shortest bar can be seen."""
    return 10 ** (math.ceil(math.log10(value)) - 1)


def _share(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low)


def _decades(low: float, high: float) -> list[float]:
    count = math.floor(math.log10(high / low) + 1e-9)
    return [low * 10**power for power in range(count + 1)]


def _line(value: float, low: float, high: float, bottom: int) -> str:
    x = _LEFT + (_RIGHT - _LEFT) * _share(value, low, high)
    return (
        f'<line x1="{x:.0f}" y1="{_TOP}" x2="{x:.0f}" y2="{bottom}" stroke="#d0d7de"/>'
        f'<text x="{x:.0f}" y="{bottom + 14}" text-anchor="middle">{value:,g}</text>'
    )
