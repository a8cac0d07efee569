"""The timer of drift: the daily comparison of both sides with the mapping."""

import azure.functions as func

from shared.composition import app
from shared.triggers.timers.timer_function import timer_function

blueprint = func.Blueprint()


@timer_function(blueprint, "drift_schedule")
async def look_for_drift(timer: func.TimerRequest) -> None:
    """Log and store what was renamed, deleted or retyped on either side, before it affects a record."""
    await (await app.administration()).drift.check()
