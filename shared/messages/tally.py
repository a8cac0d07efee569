"""Counts the successes and the failures of services in one call of a function: circuits learn from them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from shared.errors import ConnectorError


@dataclass(slots=True)
class Tally:
    """The errors of one call by record, job or message, and how many others ended well."""

    errors: dict[str, ConnectorError] = field(default_factory=dict)
    successes: int = 0


_CURRENT: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def tallying() -> Iterator[Tally]:
    """Count the results of this call of a function, however deep they happen."""
    tally = Tally()
    token = _CURRENT.set(tally)
    try:
        yield tally
    finally:
        _CURRENT.reset(token)


def note_failure(what: str, error: ConnectorError) -> None:
    """Count a record, job or message that cannot be done now. Without effect outside of `tallying`."""
    if (tally := _CURRENT.get()) is not None:
        tally.errors[what] = error


def note_success(count: int = 1) -> None:
    """Count work that was done, whatever its result: the services have answered."""
    if (tally := _CURRENT.get()) is not None:
        tally.successes += count
