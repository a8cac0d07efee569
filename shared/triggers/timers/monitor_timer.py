"""Once a minute: what the queues have buried, what waits, for how long, and who answers."""

from __future__ import annotations

import azure.functions as func

from shared.composition import app
from shared.telemetry.signals import is_exported
from shared.triggers.queues.consuming import timed
from shared.triggers.timers.schedules import schedule

blueprint = func.Blueprint()


@blueprint.function_name("watch")
@blueprint.timer_trigger(arg_name="timer", schedule=schedule("watch_schedule"), use_monitor=False)
@timed("watch")
async def watch(timer: func.TimerRequest) -> None:
    """Measure what no work at hand would tell of: a queue that nobody reads, a service that is down.

    Where nobody hears of it, no service is bothered. What the queues have buried is collected everywhere.
    """
    await (await app.intake()).collect_dead_lettered()
    if is_exported():
        await (await app.administration()).monitor.look()
