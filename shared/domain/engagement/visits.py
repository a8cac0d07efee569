"""Visits to a website (INT-02): what one is worth, and under which name a person's memory keeps it. Pure.

Visits of a month are kept together, as the events of a mailing are, so that they are forgotten together.
"""

from datetime import UTC, datetime

from shared.domain.engagement.events import Event, EventKind, event
from shared.domain.engagement.weights import Weights

_PREFIX = "website-"


def visit_event(at: datetime, worth: int, mark: str) -> Event:
    """Return the event of a visit. `worth` is the number of pages, or the score that the tracker gave.

    `mark` tells visits apart; a visit that is reported again has the same one.
    """
    return event(EventKind.VISITED, at, f"{worth}:{mark}")


def is_same_visit(one: Event, other: Event) -> bool:
    """Whether both report one visit."""
    return one.kind is other.kind is EventKind.VISITED and _mark(one) == _mark(other)


def visit_points(visit: Event, weights: Weights) -> int:
    """Return what a visit earns: points for coming, and for each page, up to a limit."""
    worth = int(visit.detail.partition(":")[0])
    return min(weights.visit_most, weights.visit + worth * weights.page)


def month_of(at: datetime) -> str:
    """Return the name under which the visits of a month are kept."""
    return f"{_PREFIX}{at.astimezone(UTC):%Y-%m}"


def begin_of_month(name: str) -> datetime | None:
    """Return when the month of such a name begins; None for the handle of a mailing."""
    try:
        return datetime.strptime(name, f"{_PREFIX}%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return None


def _mark(one: Event) -> str:
    return one.detail.partition(":")[2]
