"""Shortens pauses, and pages, of the connector in processes that tests start: what a test waits for is the order.

Its own limit of a computation is longer than in production: a busy machine may need more.

`make chaos` measures with the real ones.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from enum import StrEnum
from types import ModuleType

from shared.adapters.spotler.rest import errors as spotler_errors
from shared.administration import worker_thread
from shared.dispatch import resync
from shared.domain.recovery import circuit, retry
from shared.engine.guards import circuits
from tests.programs.times import LONGEST_WAIT

_FEW = 30
"""Records: a run over hardly more people than that has several pages."""


class Clocks(StrEnum):
    """How long a process waits before it tries something again."""

    SHORT = "short"
    SHORT_PAGES = "short, and pages of few records"
    REAL = "real"


def set_clocks(clocks: Clocks) -> None:
    """Let this process wait, and read, as little as the clocks say."""
    if clocks is not Clocks.REAL:
        shorten()
    if clocks is Clocks.SHORT_PAGES:
        _replace(resync, "PAGE", _FEW)


def shorten() -> None:
    """Shorten the pauses of this process. AttributeError if the product has no such constant any more."""
    _replace(retry, "_STEPS", tuple(step / 5 for step in retry._STEPS))
    _replace(retry, "_SPREAD", timedelta(seconds=2))
    _replace(circuit, "_FIRST", timedelta(seconds=1))
    _replace(circuits, "_FRESH", timedelta(seconds=1))
    _replace(circuits, "_WHILE_PROBING", timedelta(milliseconds=500))
    _replace(spotler_errors, "DEFAULT_PAUSE", timedelta(seconds=1))
    _replace(worker_thread, "TIMEOUT", timedelta(seconds=LONGEST_WAIT))
    names = [one.name for one in fields(retry.RetryPolicy)]
    defaults = list(retry.RetryPolicy.__init__.__defaults__ or ())
    defaults[names.index("busy") - len(names)] = timedelta(milliseconds=500)
    retry.RetryPolicy.__init__.__defaults__ = tuple(defaults)


def _replace(module: ModuleType, name: str, value: object) -> None:
    getattr(module, name)  # a new attribute would shorten nothing
    setattr(module, name, value)
