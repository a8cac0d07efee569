"""What functions have in common that nobody calls over HTTP: a span, and defects that do not quote people."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
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

_LONGEST_REST = 15.0
"""Seconds: below what a host waits for its functions when it stops."""

TimerFunction = Callable[[func.TimerRequest], Awaitable[None]]


class DefectError(Exception):
    """The connector itself failed: names the kind of the error. The Functions host logs the text of what is raised."""


@contextmanager
def discreet(name: str) -> Iterator[None]:
    """Let errors of ours pass, whose texts are safe; of others let the place be logged and the kind be raised."""
    try:
        yield
    except (ConnectorError, DefectError):
        raise
    except Exception as error:  # noqa: BLE001  # raised again under another name
        log.error("%s broke the connector: %s", name, whereabouts(error))  # noqa: TRY400  # see above
        raise DefectError(f"{name}: {type(error).__name__}; the log has the place") from None


def name_of(message: func.ServiceBusMessage) -> str:
    """Return the id of a message for the log. Whoever may send chooses it: what is no id is not repeated."""
    return bounded_id(message.message_id) or "without an id"


async def consume(delivery: Arrival, messages: Sequence[func.ServiceBusMessage], *, lane: QueueName) -> None:
    """Take in what the messages of a queue ask for, as one span.

    A batch that fails comes again at once, and is buried after ten times: it rests before it fails, longer each time.
    """
    queue = delivery.queue
    name = f"process {queue}"
    try:
        with (
            discreet(name),
            traced_work(
                name, delivery.work.correlations, SpanKind.CONSUMER, queue=queue, lane=lane, count=len(messages)
            ),
        ):
            await (await app.intake()).take(delivery, lane=lane)
    except Exception:
        await asyncio.sleep(rest_after(max(message.delivery_count or 1 for message in messages)))
        raise


def rest_after(delivery: int) -> float:
    """Return the seconds that a batch rests which has failed for so many times."""
    return min(2.0 ** (delivery - 1), _LONGEST_REST)


def timed(name: str) -> Callable[[TimerFunction], TimerFunction]:
    """Make a run of a timer a span."""

    def decorate(function: TimerFunction) -> TimerFunction:
        @functools.wraps(function)
        async def run(timer: func.TimerRequest) -> None:
            with discreet(name), traced_work(f"timer {name}", (), SpanKind.INTERNAL, function=name):
                await function(timer)

        return run

    return decorate
