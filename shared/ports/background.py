"""Whether the current call is bulk work, for which nobody waits. Clients let the requests of other calls go first."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IN_BACKGROUND: ContextVar[bool] = ContextVar("in_background", default=False)


def is_in_background() -> bool:
    """Whether the current call is bulk work."""
    return _IN_BACKGROUND.get()


@contextmanager
def in_background() -> Iterator[None]:
    """Mark all work of this block as bulk work, however deep it is called."""
    token = _IN_BACKGROUND.set(True)
    try:
        yield
    finally:
        _IN_BACKGROUND.reset(token)
