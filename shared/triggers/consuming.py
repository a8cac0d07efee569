"""What functions have in common that nobody calls over HTTP: a span, and defects that do not quote people."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import azure.functions as func
from opentelemetry.trace import SpanKind

from shared.app import Connector
from shared.errors import ConnectorError, whereabouts
from shared.observability.traces import work as traced_work
from shared.ports import QueueName
from shared.sync.dispatch import Work

log = logging.getLogger(__name__)

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


async def dispatch(connector: Connector, work: Work, *, queue: QueueName, lane: QueueName, messages: int) -> None:
    """Do what the messages of a queue ask for, as one span."""
    name = f"process {queue}"
    with (
        discreet(name),
        traced_work(name, work.correlations, SpanKind.CONSUMER, queue=queue, lane=lane, count=messages),
    ):
        await connector.dispatcher.dispatch(work, lane=lane)


def timed(name: str) -> Callable[[TimerFunction], TimerFunction]:
    """Make a run of a timer a span."""

    def decorate(function: TimerFunction) -> TimerFunction:
        @functools.wraps(function)
        async def run(timer: func.TimerRequest) -> None:
            with discreet(name), traced_work(f"timer {name}", (), SpanKind.INTERNAL, function=name):
                await function(timer)

        return run

    return decorate
