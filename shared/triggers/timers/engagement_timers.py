"""The timers of mailings."""

import logging

import azure.functions as func

from shared.composition import app
from shared.errors import ConflictError
from shared.triggers.timers.timer_function import timer_function

log = logging.getLogger(__name__)

blueprint = func.Blueprint()


@timer_function(blueprint, "engagement_schedule")
async def read_engagement(timer: func.TimerRequest) -> None:
    """Read mailings, and what their recipients did since the last time (SCH-05, ACT-05)."""
    try:
        await (await app.connector()).engagement.poll()
    except ConflictError as error:
        log.info("no reading of interactions now: %s", error)


@timer_function(blueprint, "engagement_night_schedule")
async def tend_engagement(timer: func.TimerRequest) -> None:
    """Let scores age, delete what is too old, and ask for what only lists tell (SCH-06)."""
    await (await app.connector()).engagement.night()
