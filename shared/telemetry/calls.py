"""Records every HTTP request of the clients as a span and two metrics, and every retry as a line of log."""

import logging
import re
import time
from http import HTTPStatus

from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from shared.errors import ConnectorError, Service
from shared.telemetry.signals import CALL_TIME, CALLS, RETRIES, record
from shared.telemetry.traces import call_made

log = logging.getLogger(__name__)

_TEMPLATE = re.compile(r"[A-Za-z0-9_$.-]{1,80}( [A-Za-z0-9_$.-]{1,80})?")
"""The name of a call, without ids and values: `PATCH contacts`, `POST $batch`, `contact.upsert`."""


def observe(service: Service, operation: str, status: int, seconds: float) -> None:
    """Count a request and add it to the current trace. `status` is 0 if no answer came."""
    name = operation if _TEMPLATE.fullmatch(operation) else "other"
    record(CALLS, service=service, operation=name, status=str(status))
    record(CALL_TIME, seconds, service=service, operation=name)
    call_made(
        f"{service} {name}",
        seconds,
        time.time_ns(),
        failed=not HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST,
        service=service,
        operation=name,
        status=status,
    )


def explain_retries() -> None:
    """Replace the log lines of the retry library, which quote arguments."""
    set_on_retry_hooks((_retry,))


def _retry(details: RetryDetails) -> None:
    error = details.caused_by
    cause = type(error).__name__
    record(RETRIES, cause=cause)
    # The text of other errors may quote values.
    what = str(error) if isinstance(error, ConnectorError) else cause
    log.warning("retry %d in %.1f s: %s", details.retry_num, details.wait_for, what)
