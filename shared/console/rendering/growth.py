"""Cumulative lines over time on an axis that begins at 0: for two days in hours, for longer in days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.console.rendering.plots import HEIGHT, WIDTH, Curve, Grid, apart

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 60, 10, 22
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_IN_HOURS = timedelta(hours=48)
_TICKS = 6

Additions = Sequence[tuple[datetime, Sequence[int]]]
"""What was added to each line in the hour that begins at a time, in order."""


@dataclass(frozen=True, slots=True)
class Step:
    """The sums until the end of a step. `at` is the begin of the step, `x` its place."""

    at: datetime
    sums: tuple[int, ...]
    x: float


@dataclass(frozen=True, slots=True)
class Growth:
    """A plot: lines, the grid, all steps for the table, and those with a label under the axis."""

    curves: Sequence[Curve]
    grid: Sequence[Grid]
    steps: Sequence[Step]
    ticks: Sequence[Step]
    is_in_hours: bool

    @property
    def right(self) -> int:
        """Where the lines end; their names follow."""
        return WIDTH - _RIGHT


def growth(names: Sequence[str], begun: datetime, until: datetime, additions: Additions) -> Growth:
    """Return the plot of lines with these names from `begun` until a time; what was added before counts at once."""
    is_in_hours = until - begun <= _IN_HOURS
    size = _HOUR if is_in_hours else _DAY
    count = max(2, -(-(until - begun) // size) + 1)
    steps: list[Step] = []
    sums, waiting = [0] * len(names), list(additions)
    for number in range(count):
        at = begun + number * size
        while waiting and waiting[0][0] < at:
            sums = [one + more for one, more in zip(sums, waiting.pop(0)[1], strict=True)]
        x = round(_LEFT + number * (WIDTH - _LEFT - _RIGHT) / (count - 1), 1)
        steps.append(Step(at, tuple(sums), x))
    most = max(1, *steps[-1].sums)
    every = -(-len(steps) // _TICKS)
    return Growth(_curves(names, steps, most), _grid(most), steps, steps[::every], is_in_hours)


def _curves(names: Sequence[str], steps: Sequence[Step], most: int) -> Sequence[Curve]:
    curves = []
    for index, name in enumerate(names):
        points = " ".join(f"{step.x},{_height(step.sums[index], most)}" for step in steps)
        curves.append(Curve(name, (points,), _height(steps[-1].sums[index], most)))
    return apart(curves)


def _grid(most: int) -> Sequence[Grid]:
    return [Grid(value, _height(value, most)) for value in sorted({0, most // 2, most})]


def _height(value: int, most: int) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * value / most, 1)
