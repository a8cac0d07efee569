"""Runs a timer function: within a span, discreetly, and not in shadow mode if it writes."""

import logging
from collections.abc import Awaitable, Callable

import azure.functions as func
from opentelemetry.trace import SpanKind

from shared.composition import app
from shared.telemetry.traces import work
from shared.triggers.queues.consuming import discreet

log = logging.getLogger(__name__)

WRITERS = frozenset(
    {"poll_spotler", "reconcile", "tend_bounces", "rename_permissions", "refresh_automations", "sweep_jobs"}
    | {"update_permissions_variable", "read_engagement", "tend_engagement"}
)
"""Timers that write to Dataverse or Spotler, or send messages that would; in shadow mode they rest."""


async def run_timer(
    name: str, function: Callable[[func.TimerRequest], Awaitable[None]], timer: func.TimerRequest
) -> None:
    """Call a timer function by its name; DefectError, without a text of people, where it breaks."""
    with discreet(name), work(f"timer {name}", (), SpanKind.INTERNAL, function=name):
        if name in WRITERS and await app.is_shadow():
            log.info("%s does nothing in shadow mode", name)
            return
        await function(timer)
