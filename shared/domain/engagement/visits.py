"""Visits to a website (INT-02): what one is worth, and under which name a person's memory keeps it. Pure.

Visits of a month are kept together, as the events of a mailing are, so that they are forgotten together.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

from shared.domain.engagement.events import Event, EventKind, event
from shared.domain.engagement.weights import Weights

_PREFIX = "website-"
_FORMER = 12
"""How much of the id of a row an earlier version kept."""


def visit_event(at: datetime, worth: int, row: UUID) -> Event:
    """Return the event of a visit. `worth` is the number of pages, or the score that the tracker gave.

    `row` is the id of its Marketing Interaction: a visit that is reported again has the same one.
    """
    return event(EventKind.VISITED, at, f"{worth}:{row.hex}")


def is_same_visit(one: Event, other: Event) -> bool:
    """Whether both report one visit."""
    return one.kind is other.kind is EventKind.VISITED and _row(one)[:_FORMER] == _row(other)[:_FORMER]


def visit_points(visit: Event, weights: Weights) -> int:
    """Return what a visit earns: points for coming, and for each page, up to a limit."""
    return points_of(int(visit.detail.partition(":")[0]), weights)


def points_of(worth: int, weights: Weights) -> int:
    """Return the points for a number of pages, or for the score that the tracker gave."""
    return min(weights.visit_most, weights.visit + worth * weights.page)


def other_points(visits: Iterable[Event], before: Weights | None, after: Weights) -> Mapping[UUID, int]:
    """Return the points of visits that earn others than before (None: unknown), by the id of the row.

    Visits that an earlier version kept have no whole id: they are left out.
    """
    return {
        UUID(_row(one)): points
        for one in visits
        if len(_row(one)) > _FORMER
        if (points := visit_points(one, after)) != (None if before is None else visit_points(one, before))
    }


def month_of(at: datetime) -> str:
    """Return the name under which the visits of a month are kept."""
    return f"{_PREFIX}{at.astimezone(UTC):%Y-%m}"


def begin_of_month(name: str) -> datetime | None:
    """Return when the month of such a name begins; None for the handle of a mailing."""
    try:
        return datetime.strptime(name, f"{_PREFIX}%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return None


def _row(one: Event) -> str:
    return one.detail.partition(":")[2]
