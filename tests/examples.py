"""The number of inputs with which a property is tried: some in `make test`, twenty times as many in `make slow`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

_FACTOR = int(os.environ.get("EXAMPLES", "1"))

USUAL = 30


def examples(number: int = USUAL) -> int:
    """Return `number`, or as many times more as EXAMPLES says."""
    return number * _FACTOR


def sample(moments: range, *, every: int, first: int = 0) -> range:
    """Return every third moment, say, at which a call fails, or every third input; all of them in `make slow`.

    Neighbouring moments run the same code. An odd `every` has moments before and after calls, and a `first` that
    differs by act lets the acts together have each moment.
    """
    assert every % 2, "twins count one moment before and one after each call"
    return moments if _FACTOR > 1 else moments[first % every :: every]


def thinned(cases: Sequence[Any], *, quick: int = 1) -> list[Any]:
    """Return the cases of a test; `make test` runs the first ones, `make slow` the others, which run the same code.

    A case with several arguments is a tuple.
    """
    return [
        pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=[pytest.mark.slow] if number >= quick else [])
        for number, one in enumerate(cases)
    ]
