"""The number of inputs with which a property is tried: some in `make test`, twenty times as many in `make slow`."""

from __future__ import annotations

import os

_FACTOR = int(os.environ.get("EXAMPLES", "1"))

USUAL = 30


def examples(number: int = USUAL) -> int:
    """Return `number`, or as many times more as EXAMPLES says."""
    return number * _FACTOR


def sample(moments: range, *, every: int, first: int = 0) -> range:
    """Return every third moment, say, at which a call fails; all of them in `make slow`.

    Neighbouring moments run the same code. An odd `every` has moments before and after calls, and a `first` that
    differs by act lets the acts together have each moment.
    """
    assert every % 2, "twins count one moment before and one after each call"
    return moments if _FACTOR > 1 else moments[first % every :: every]
