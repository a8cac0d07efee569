"""How long a call waits for the next batch of events to fill: larger batches cost fewer requests, waits cost time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

FULL = 500
"""The most messages of a batch: `maxMessageBatchSize` in host.json. After a full batch, the next one has arrived."""

_BURST, _BURST_RATE = 50, 100
"""A batch of so many events that arrived at so many a second is part of an import or a flow: nobody waits for each."""

_OF_A_BURST = 0.5
"""Seconds."""

_PLENTY, _SHORT = 0.95, 0.7
"""Above the first share of the limits of Dataverse, requests are not scarce; below it, batches get further apart until
the second."""

_APART = 0.3
"""Seconds between two batches: saves need seven requests a second then, two for each batch. The limits admit twenty."""

_NEARLY_USED_UP, _LONGEST = 0.25, 4.0
"""Below this share, that grows with its square, up to so many seconds: several processes use the limits together."""

_SAVED_UP = 1.0
"""Seconds: an idle process saves up so much distance, and its next few batches follow each other at once."""


@dataclass(slots=True)
class BatchSpacing:
    """Spaces the batches of events of one process.

    While requests are scarce, single events cause waits, too: otherwise each of many saves that come one by one would
    have requests of its own. Somebody who saves now and then waits for nobody.
    """

    _next: float = -math.inf

    def fill_time(self, arrivals: Sequence[datetime], budget: float, *, now: float) -> float:
        """Return the seconds that the next batch may fill, given when the messages of this one arrived, in any order.

        `budget` is what the limits of Dataverse leave, from 0.0 to 1.0. `now` is monotonic, in seconds.
        """
        if not 0 < len(arrivals) < FULL:
            return 0.0
        self._next = max(self._next, now - _SAVED_UP) + _seconds_apart(budget)
        span = (max(arrivals) - min(arrivals)).total_seconds()
        is_burst = len(arrivals) >= max(_BURST, _BURST_RATE * span)
        return max(_OF_A_BURST if is_burst else 0.0, self._next - now)


def _seconds_apart(budget: float) -> float:
    if budget >= _NEARLY_USED_UP:
        return _APART * max(0.0, min(1.0, (_PLENTY - budget) / (_PLENTY - _SHORT)))
    if budget <= 0:
        return _LONGEST
    times = _NEARLY_USED_UP / budget
    return min(_LONGEST, _APART * times * times)  # a power would raise OverflowError
