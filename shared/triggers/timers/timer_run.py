"""Runs a timer function: within a span, discreetly, and not in shadow mode if it writes."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import azure.functions as func
from opentelemetry.trace import SpanKind

from shared.administration.measures.timer_runs import RunResult, TimerRun
from shared.composition import app
from shared.composition.setting_groups.ncrontab import next_run
from shared.errors import whereabouts
from shared.telemetry.traces import work
from shared.triggers.queues.consuming import discreet

log = logging.getLogger(__name__)

WRITERS = frozenset(
    {"poll_spotler", "reconcile", "tend_bounces", "rename_permissions", "refresh_automations", "sweep_jobs"}
    | {"update_permissions_variable", "read_engagement", "tend_engagement", "measure_round_trip"}
)
"""Timers that write to Dataverse or Spotler, or send messages that would; in shadow mode they rest."""


class _RestError(Exception):
    """The timer rests; that is a result, and no failure."""


@dataclass(frozen=True, slots=True)
class TimerSchedule:
    """The setting of a timer, its NCRONTAB expression, and the zone that this means ("" is UTC)."""

    setting: str
    expression: str
    zone: str


async def run_timer(
    name: str,
    function: Callable[[func.TimerRequest], Awaitable[None]],
    timer: func.TimerRequest,
    schedule: TimerSchedule,
) -> None:
    """Call a timer function by its name; DefectError, without a text of people, where it breaks."""
    with discreet(name), work(f"timer {name}", (), SpanKind.INTERNAL, function=name):
        async with _noted(name, schedule):
            if name in WRITERS and await app.is_shadow():
                log.info("%s does nothing in shadow mode", name)
                raise _RestError
            await function(timer)


@asynccontextmanager
async def _noted(name: str, schedule: TimerSchedule) -> AsyncIterator[None]:
    """Keep how a run ended, for the console. If that cannot be kept, the run is none the worse."""
    begun, result = datetime.now(UTC), RunResult.FAILED
    try:
        yield
        result = RunResult.OK
    except _RestError:
        result = RunResult.RESTED
    finally:
        try:
            seconds = round((datetime.now(UTC) - begun).total_seconds(), 1)
            run = TimerRun(
                name, schedule.setting, begun, seconds, result, next_run(schedule.expression, schedule.zone, begun)
            )
            await (await app.services()).timer_runs.note(run)
        except Exception as error:  # noqa: BLE001  # its text may quote a person
            log.warning("the run of %s is not kept: %s", name, whereabouts(error))
