"""When a test gives up, and how a test bounds processor time on a machine of any speed."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_WAIT = 120.0
"""Seconds: many times what anything takes on a busy machine. Only what fails waits so long."""

_STEPS = 1_000_000


def effort(work: Callable[[], object]) -> float:
    """Return the processor time of `work` as a multiple of a million steps of an empty loop, here and now.

    A slow machine, or a slow moment of one, changes both. The loop takes 0.03 s on a quick machine.
    """
    before = _processor_time(_loop)
    used = _processor_time(work)
    return used / max(before, _processor_time(_loop))


def _loop() -> None:
    for _ in range(_STEPS):
        pass


def _processor_time(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
