"""The timers of the poll and of the nightly reconciliation."""

# ruff: noqa: PLC0415  # the functions are found without what they call
import logging

import azure.functions as func

from shared.composition import app
from shared.errors import ConflictError
from shared.triggers.timers.timer_function import timer_function

log = logging.getLogger(__name__)

blueprint = func.Blueprint()


@timer_function(blueprint, "poll_schedule")
async def poll_spotler(timer: func.TimerRequest) -> None:
    """Process what changed in Spotler since the last poll (S2D-01, SCH-02). The next poll repeats what failed."""
    from shared.inbound.page_counts import ChangeKind
    from shared.telemetry.activity import count_echoes

    try:
        polled = await (await app.connector()).poll.poll()
        count_echoes(polled.seen[ChangeKind.ECHO])
    except ConflictError as error:
        log.info("no poll now: %s", error)


@timer_function(blueprint, "reconcile_schedule")
async def reconcile(timer: func.TimerRequest) -> None:
    """Compare every record, what changed in Spotler since yesterday, and a slice of Spotler's account (C-05)."""
    connector = await app.connector()
    if connector.settings.reconcile:
        await connector.reconciliation.begin()
