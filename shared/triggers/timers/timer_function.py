"""Registers timer functions: their schedules, read at import, and a span around each run."""

import functools
import os
from collections.abc import Awaitable, Callable

import azure.functions as func
from opentelemetry.trace import SpanKind

from shared.composition.settings import Settings
from shared.domain.values.texts import trimmed
from shared.telemetry.traces import work
from shared.triggers.queues.consuming import discreet

TimerFunction = Callable[[func.TimerRequest], Awaitable[None]]


def timer_function(
    blueprint: func.Blueprint, setting: str, *, use_monitor: bool | None = None
) -> Callable[[TimerFunction], TimerFunction]:
    """Register a function under its own name, with the schedule of a setting."""

    def register(function: TimerFunction) -> TimerFunction:
        name = function.__name__

        @functools.wraps(function)
        async def run(timer: func.TimerRequest) -> None:
            with discreet(name), work(f"timer {name}", (), SpanKind.INTERNAL, function=name):
                await function(timer)

        timed = blueprint.timer_trigger(arg_name="timer", schedule=schedule(setting), use_monitor=use_monitor)(run)
        blueprint.function_name(name)(timed)
        return run

    return register


def schedule(setting: str) -> str:
    """Return the NCRONTAB expression of a setting. Other settings are not read: they may still be wrong."""
    default: str = Settings.model_fields[setting].default
    return trimmed(os.environ.get(setting.upper(), "")) or default
