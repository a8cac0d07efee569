"""What queue functions share: a span, and errors whose texts quote nobody."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import azure.functions as func
from opentelemetry.trace import SpanKind

from shared.composition import app
from shared.dispatch.intake import Arrival
from shared.domain.values.texts import bounded_id
from shared.errors import ConnectorError, whereabouts
from shared.ports.queue import QueueName
from shared.telemetry.traces import work as traced_work

log = logging.getLogger(__name__)

_LONGEST_WAIT = 15.0
"""Seconds: less than the time that a host gives its functions when it stops."""


class DefectError(Exception):
    """The connector itself failed. The text names only the type of the error, because the Functions host logs it."""


@contextmanager
def discreet(name: str) -> Iterator[None]:
    """Let ConnectorErrors pass, whose texts are safe; log the place of other errors and raise their type."""
    try:
        yield
    except (ConnectorError, DefectError):
        raise
    except Exception as error:  # noqa: BLE001  # raised again under another name
        log.error("%s broke the connector: %s", name, whereabouts(error))  # noqa: TRY400  # see above
        raise DefectError(f"{name}: {type(error).__name__}; the log has the place") from None


def name_of(message: func.ServiceBusMessage) -> str:
    """Return the id of a message for the log. The sender chooses it: a text that is no id is not logged."""
    return bounded_id(message.message_id) or "without an id"


def deliveries_of(message: func.ServiceBusMessage) -> int:
    """Return how often the queue has delivered a message, this time included."""
    return message.delivery_count or 1


async def consume(arrival: Arrival, messages: Sequence[func.ServiceBusMessage], *, lane: QueueName) -> None:
    """Process the messages of one call as one span.

    A batch that fails is delivered again at once, and dead-lettered after the maximum of deliveries. So it waits before
    it fails, longer each time.
    """
    queue = arrival.queue
    name = f"process {queue}"
    try:
        with (
            discreet(name),
            traced_work(
                name, arrival.work.correlations, SpanKind.CONSUMER, queue=queue, lane=lane, count=len(messages)
            ),
        ):
            await (await app.intake()).take(arrival, lane=lane)
            await app.keep_activity()
    except Exception:
        await asyncio.sleep(wait_after(max(map(deliveries_of, messages))))
        raise


def wait_after(deliveries: int) -> float:
    """Return how many seconds a batch waits after so many failed deliveries."""
    return min(2.0 ** (deliveries - 1), _LONGEST_WAIT)
