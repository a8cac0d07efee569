"""How long a call waits for the next batch of events to fill: larger batches cost fewer requests, waits cost time."""

from collections.abc import Sequence
from datetime import datetime

_LONGEST = 1.0
"""Seconds: the least latency that a user may notice beside the time that Dataverse takes to send an event."""

_BURST, _BURST_RATE = 20, 100
"""A batch of so many events that arrived at so many a second is part of an import or a flow: nobody waits for each."""

_ENOUGH = 0.5
"""Above this share of the limits of Dataverse, requests are not scarce: people who save do not wait for each other."""


def fill_time(arrivals: Sequence[datetime], budget: float) -> float:
    """Return the seconds that the next batch may fill, given when the messages of this one arrived, in any order.

    `budget` is what the limits of Dataverse leave, from 0.0 to 1.0. A single event never causes a wait.
    """
    if len(arrivals) < 2:  # noqa: PLR2004  # one
        return 0.0
    span = (max(arrivals) - min(arrivals)).total_seconds()
    if len(arrivals) >= _BURST and len(arrivals) >= _BURST_RATE * span:
        return _LONGEST
    return _LONGEST * max(0.0, 1 - budget / _ENOUGH)
