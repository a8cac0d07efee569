"""Plots as SVG: numbers in, shapes out. Attributes only, no styles: the content security policy allows none inline."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

WIDTH, HEIGHT = 460, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 44, 10, 22
_FASTEST, _SLOWEST = 0.01, 100.0
_DASH = 2


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a plot: its points as pieces (a gap in the data is a gap), its name and the height of its end."""

    name: str
    pieces: tuple[str, ...]
    end: float


@dataclass(frozen=True, slots=True)
class Grid:
    """A horizontal line, and the number or the seconds that its label says."""

    value: float
    y: float


def sparkline(values: Sequence[float | None], width: int = 180, height: int = 36) -> tuple[str, ...]:
    """Return a small line in pieces of `x,y` points."""
    known = [value for value in values if value is not None]
    most = max(known, default=0) or 1
    step = width / max(1, len(values) - 1)
    points = [
        None if value is None else (round(index * step, 1), round(height - 2 - (height - 6) * value / most, 1))
        for index, value in enumerate(values)
    ]
    return _pieces(points)


def lateness(
    values: Sequence[float | None], late: float, width: int = 180, height: int = 36
) -> list[tuple[float, float, float, float, bool]]:
    """Return a strip: one rectangle (x, y, width, height, whether it is late) for each known value.

    On time is low, later than `late` full; what was not measured is a gap.
    """
    step = width / max(1, len(values))
    return [
        (round(index * step, 1), height - tall, round(step - 0.4, 1), tall, is_late)
        for index, value in enumerate(values)
        if value is not None
        for is_late in (value > late,)
        for tall in (height if is_late else height // 3,)
    ]


def columns(values: Sequence[float], width: int = 180, height: int = 40) -> list[tuple[float, float, float, float]]:
    """Return one rectangle (x, y, width, height) for each value above 0; they begin at 0."""
    most = max(values, default=0) or 1
    step = width / max(1, len(values))
    return [
        (
            round(index * step, 1),
            round(height - height * value / most, 1),
            round(step - 1.5, 1),
            round(height * value / most, 1),
        )
        for index, value in enumerate(values)
        if value
    ]


def log_curve(name: str, values: Sequence[float | None]) -> Curve:
    """Return a line of seconds on a logarithmic axis."""
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(values) - 1)
    points = [
        None if value is None else (round(_LEFT + index * step, 1), log_height(value))
        for index, value in enumerate(values)
    ]
    end = next((point[1] for point in reversed(points) if point is not None), HEIGHT - _BOTTOM)
    return Curve(name, _pieces(points), end)


def apart(curves: Sequence[Curve], distance: float = 15) -> list[Curve]:
    """Move the names at the ends of curves apart, so that each can be read."""
    placed: list[Curve] = []
    for curve in sorted(curves, key=lambda one: one.end):
        end = max(curve.end, placed[-1].end + distance) if placed else curve.end
        placed.append(replace(curve, end=end))
    return [next(one for one in placed if one.name == curve.name) for curve in curves]


def log_grid() -> list[Grid]:
    """Return the lines of the logarithmic axis, in seconds."""
    return [Grid(seconds, log_height(seconds)) for seconds in (0.1, 1.0, 10.0)]


def log_height(seconds: float) -> float:
    """Return the height of a duration in the plot."""
    share = math.log(min(max(seconds, _FASTEST), _SLOWEST) / _FASTEST) / math.log(_SLOWEST / _FASTEST)
    return round(HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * share, 1)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a stacked bar: where it begins and how wide it is, in percent."""

    x: float
    width: float
    tone: str


def stacked(parts: Sequence[tuple[int, str]]) -> list[Share]:
    """Return the parts of a bar; the smallest part that is not 0 is still to be seen."""
    total = sum(count for count, _ in parts) or 1
    widths = [max(0.6, 100 * count / total) if count else 0.0 for count, _ in parts]
    scale = 100 / (sum(widths) or 1)
    shares, x = [], 0.0
    for (_, tone), width in zip(parts, widths, strict=True):
        if width:
            shares.append(Share(round(x, 2), round(max(0.4, width * scale - 0.25), 2), tone))
            x += width * scale
    return shares


def _pieces(points: Sequence[tuple[float, float] | None]) -> tuple[str, ...]:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return tuple(" ".join(f"{x},{y}" for x, y in _seen(run)) for run in runs if run)


def _seen(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Make one measurement between two gaps a dash, as long as it takes to be seen."""
    if len(points) > 1:
        return points
    ((x, y),) = points
    return [(round(x - _DASH, 1), y), (round(x + _DASH, 1), y)]
