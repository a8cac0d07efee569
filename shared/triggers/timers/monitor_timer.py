"""The timer of the monitor, once a minute: dead letters, waiting messages, reachable services."""

import azure.functions as func

from shared.composition import app
from shared.telemetry.signals import is_exported
from shared.triggers.timers.timer_function import timer_function

blueprint = func.Blueprint()


@timer_function(blueprint, "watch_schedule", use_monitor=False)
async def watch(timer: func.TimerRequest) -> None:
    """Measure what the work itself does not report: a queue without a reader, a service that is down.

    Services are called only if metrics are exported. Messages that the queues have dead-lettered are always collected.
    """
    await (await app.intake()).collect_dead_lettered()
    if is_exported():
        await (await app.administration()).monitor.measure()
