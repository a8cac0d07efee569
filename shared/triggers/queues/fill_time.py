"""How long a call waits for the next batch of events to fill: larger batches cost fewer requests, waits cost time."""

from collections.abc import Sequence
from datetime import datetime

FULL = 500
"""The most messages of a batch: `maxMessageBatchSize` in host.json. After a full batch, the next one has arrived."""

_BURST, _BURST_RATE = 50, 100
"""A batch of so many events that arrived at so many a second is part of an import or a flow: nobody waits for each."""

_OF_A_BURST, _LONGEST = 0.5, 1.0
"""Seconds."""

_ENOUGH = 0.5
"""Above this share of the limits of Dataverse, requests are not scarce: people who save do not wait for each other."""


def fill_time(arrivals: Sequence[datetime], budget: float) -> float:
    """Return the seconds that the next batch may fill, given when the messages of this one arrived, in any order.

    `budget` is what the limits of Dataverse leave, from 0.0 to 1.0. A single event never causes a wait.
    """
    if not 1 < len(arrivals) < FULL:
        return 0.0
    span = (max(arrivals) - min(arrivals)).total_seconds()
    is_burst = len(arrivals) >= max(_BURST, _BURST_RATE * span)
    return max(_OF_A_BURST if is_burst else 0.0, _LONGEST * (1 - budget / _ENOUGH))
