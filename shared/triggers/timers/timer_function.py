"""Registers timer functions with their schedules, which are read at import."""

import functools
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import azure.functions as func

from shared.composition.setting_groups.schedules import SCHEDULES
from shared.domain.values.texts import trimmed
from shared.triggers.timers.local_schedule import local_schedule

TimerFunction = Callable[[func.TimerRequest], Awaitable[None]]

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""The host says the year 1 for a timer that has never run."""


def timer_function(
    blueprint: func.Blueprint, setting: str, *, use_monitor: bool | None = None
) -> Callable[[TimerFunction], TimerFunction]:
    """Register a function under its own name, with the schedule of a setting."""

    def register(function: TimerFunction) -> TimerFunction:
        name = function.__name__
        expression = schedule(setting)
        local = local_schedule(expression, _text("schedule_time_zone"), _now())

        @functools.wraps(function)
        async def run(timer: func.TimerRequest) -> None:
            if local is not None and not local.was_due(_now(), last_call(timer)):
                return
            from shared.triggers.timers.timer_run import TimerSchedule, run_timer  # noqa: PLC0415  # the functions are found without it

            await run_timer(name, function, timer, TimerSchedule(setting, expression, _text("schedule_time_zone")))

        timed = blueprint.timer_trigger(
            arg_name="timer", schedule=local.utc if local else expression, use_monitor=use_monitor
        )(run)
        blueprint.function_name(name)(timed)
        return run

    return register


def schedule(setting: str) -> str:
    """Return the NCRONTAB expression of a setting, in the zone of SCHEDULE_TIME_ZONE."""
    return _text(setting) or SCHEDULES[setting]


def last_call(timer: func.TimerRequest) -> datetime | None:
    """Return when the host called the timer before; None if it never did, or does not say."""
    status: Mapping[str, str] = getattr(timer, "schedule_status", {})
    try:
        last = datetime.fromisoformat(status["Last"])
    except (KeyError, ValueError):
        return None
    aware = last if last.tzinfo else last.replace(tzinfo=UTC)
    return aware if aware > _ANY_TIME else None


def _text(setting: str) -> str:
    """Return one setting; "" if it has none. Other settings are not read: they may still be wrong."""
    return trimmed(os.environ.get(setting.upper(), ""))


def _now() -> datetime:
    return datetime.now(UTC)
