"""Registers timer functions: their schedules, read at import, and a span around each run."""

import functools
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import azure.functions as func
from opentelemetry.trace import SpanKind

from shared.composition.settings import Settings
from shared.domain.values.texts import trimmed
from shared.telemetry.traces import work
from shared.triggers.queues.consuming import discreet
from shared.triggers.timers.local_schedule import in_utc, is_due

TimerFunction = Callable[[func.TimerRequest], Awaitable[None]]


def timer_function(
    blueprint: func.Blueprint, setting: str, *, use_monitor: bool | None = None
) -> Callable[[TimerFunction], TimerFunction]:
    """Register a function under its own name, with the schedule of a setting.

    The host counts in UTC and fires at a few hours more than are due; at those nothing runs.
    """

    def register(function: TimerFunction) -> TimerFunction:
        name = function.__name__

        @functools.wraps(function)
        async def run(timer: func.TimerRequest) -> None:
            if not is_wanted(setting, datetime.now(UTC), past_due=timer.past_due):
                return
            with discreet(name), work(f"timer {name}", (), SpanKind.INTERNAL, function=name):
                await function(timer)

        timed = blueprint.timer_trigger(arg_name="timer", schedule=host_schedule(setting), use_monitor=use_monitor)(run)
        blueprint.function_name(name)(timed)
        return run

    return register


def schedule(setting: str) -> str:
    """Return the NCRONTAB expression of a setting, in local time. Other settings are not read: they may be wrong."""
    return _value(setting)


def host_schedule(setting: str) -> str:
    """Return the schedule for the host, in UTC. One that cannot be read is left to the host to refuse."""
    text = schedule(setting)
    try:
        return in_utc(text, _zone(), year=datetime.now(UTC).year)
    except ValueError:
        return text


def is_wanted(setting: str, now: datetime, *, past_due: bool) -> bool:
    """Whether a timer that fires now is to run: it is due in local time, makes up for a lost run, or was asked for."""
    try:
        return past_due or is_due(schedule(setting), _zone(), now)
    except ValueError:
        return True


def _zone() -> ZoneInfo:
    """Return the time zone of all schedules; UTC for one that does not exist, which the settings refuse later."""
    try:
        return ZoneInfo(_value("schedule_time_zone"))
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return ZoneInfo("UTC")


def _value(setting: str) -> str:
    default: str = Settings.model_fields[setting].default
    return trimmed(os.environ.get(setting.upper(), "")) or default
