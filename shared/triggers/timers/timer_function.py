"""Registers timer functions: their schedules, read at import, and a span around each run."""

import functools
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import azure.functions as func
from opentelemetry.trace import SpanKind

from shared.composition import app
from shared.composition.settings import Settings
from shared.domain.values.texts import trimmed
from shared.errors import whereabouts
from shared.telemetry.traces import work
from shared.triggers.queues.consuming import discreet
from shared.triggers.timers.local_schedule import local_schedule
from shared.triggers.timers.ncrontab import parse

log = logging.getLogger(__name__)

TimerFunction = Callable[[func.TimerRequest], Awaitable[None]]

WRITERS = frozenset(
    {"poll_spotler", "reconcile", "tend_bounces", "rename_permissions", "refresh_automations", "sweep_jobs"}
    | {"update_permissions_variable", "read_engagement", "tend_engagement", "measure_round_trip"}
)
"""Timers that write to Dataverse or Spotler, or send messages that would; in shadow mode they rest."""

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
            with discreet(name), work(f"timer {name}", (), SpanKind.INTERNAL, function=name):
                async with _noted(name, setting, expression):
                    if name in WRITERS and await app.is_shadow():
                        log.info("%s does nothing in shadow mode", name)
                        raise _RestError
                    await function(timer)

        timed = blueprint.timer_trigger(
            arg_name="timer", schedule=local.utc if local else expression, use_monitor=use_monitor
        )(run)
        blueprint.function_name(name)(timed)
        return run

    return register


class _RestError(Exception):
    """The timer rests; that is a result, and no failure."""


@asynccontextmanager
async def _noted(name: str, setting: str, expression: str) -> AsyncIterator[None]:
    """Keep how a run ended, for the console. If that cannot be kept, the run is none the worse."""
    begun, result = _now(), "failed"
    try:
        yield
        result = "ok"
    except _RestError:
        result = "rested"
    finally:
        try:
            await _keep(name, setting, expression, begun, result)
        except Exception as error:  # noqa: BLE001  # its text may quote a person
            log.warning("the run of %s is not kept: %s", name, whereabouts(error))


async def _keep(name: str, setting: str, expression: str, begun: datetime, result: str) -> None:
    from shared.administration.measures.timer_runs import RunResult, TimerRun  # noqa: PLC0415  # not part of a cold start

    try:
        following = parse(expression).next_after(begun, ZoneInfo(_text("schedule_time_zone") or "UTC"))
    except (ValueError, OSError, LookupError):
        following = None
    seconds = round((_now() - begun).total_seconds(), 1)
    run = TimerRun(name, setting, begun, seconds, RunResult(result), following)
    await (await app.services()).timer_runs.note(run)


def schedule(setting: str) -> str:
    """Return the NCRONTAB expression of a setting, in the zone of SCHEDULE_TIME_ZONE."""
    return _text(setting)


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
    """Return one setting, or its default. Other settings are not read: they may still be wrong."""
    default: str = Settings.model_fields[setting].default
    return trimmed(os.environ.get(setting.upper(), "")) or default


def _now() -> datetime:
    return datetime.now(UTC)
