"""The timer of drift: the daily comparison of both sides with the mapping."""

from __future__ import annotations

import azure.functions as func

from shared.composition import app
from shared.triggers.queues.consuming import timed
from shared.triggers.timers.schedules import schedule

blueprint = func.Blueprint()


@blueprint.function_name("look_for_drift")
@blueprint.timer_trigger(arg_name="timer", schedule=schedule("drift_schedule"))
@timed("look_for_drift")
async def look_for_drift(timer: func.TimerRequest) -> None:
    """Log and store what was renamed, deleted or retyped on either side, before it affects a record."""
    await (await app.administration()).drift.look()
