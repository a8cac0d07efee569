"""The number of inputs with which a property is tried: some in `make test`, twenty times as many in `make slow`."""

from __future__ import annotations

import os

_FACTOR = int(os.environ.get("EXAMPLES", "1"))

USUAL = 50


def examples(number: int = USUAL) -> int:
    """Return `number`, or as many times more as EXAMPLES says."""
    return number * _FACTOR
