"""How long a call waits for the next batch of events to fill: larger batches cost fewer requests, waits cost time."""

import math
from collections.abc import Sequence
from datetime import datetime

FULL = 500
"""The most messages of a batch: `maxMessageBatchSize` in host.json. After a full batch, the next one has arrived."""

_BURST, _BURST_RATE = 50, 100
"""A batch of so many events that arrived at so many a second is part of an import or a flow: nobody waits for each."""

_OF_A_BURST = 0.5
"""Seconds."""

_PLENTY, _SHORT = 0.95, 0.7
"""Above the first share of the limits of Dataverse, requests are not scarce; below it, waits grow until the second."""

_BETWEEN_SAVES = 0.25
"""Seconds: with such waits, saves need eight requests a second at most, two for each batch. The limits admit twenty."""

_NEARLY_USED_UP, _LONGEST = 0.25, 4.0
"""Below this share, waits grow with its square, up to so many seconds: several processes use the limits together."""


def fill_time(arrivals: Sequence[datetime], budget: float) -> float:
    """Return the seconds that the next batch may fill, given when the messages of this one arrived, in any order.

    `budget` is what the limits of Dataverse leave, from 0.0 to 1.0. While requests are scarce, a single event causes a
    wait, too: otherwise each of many saves that come one by one would have requests of its own.
    """
    if not 0 < len(arrivals) < FULL:
        return 0.0
    span = (max(arrivals) - min(arrivals)).total_seconds()
    is_burst = len(arrivals) >= max(_BURST, _BURST_RATE * span)
    return max(_OF_A_BURST if is_burst else 0.0, _scarce(budget))


def _scarce(budget: float) -> float:
    """Return the wait of any batch: none, then up to a quarter of a second, then as much as lets the rest last."""
    if budget * math.sqrt(_LONGEST / _BETWEEN_SAVES) <= _NEARLY_USED_UP:
        return _LONGEST
    if budget < _NEARLY_USED_UP:
        return _BETWEEN_SAVES * (_NEARLY_USED_UP / budget) ** 2
    return _BETWEEN_SAVES * max(0.0, min(1.0, (_PLENTY - budget) / (_PLENTY - _SHORT)))
