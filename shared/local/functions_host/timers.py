"""Runs timer functions on schedule, never two runs of one timer at once.

Like the Azure host it stores the next occurrence of a timer. An occurrence that was missed while the host was down is
run once at start, with `past_due` set. Timers that run more than once a minute are not stored.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import TypeAdapter

from shared.local.functions_host.decode import ScheduleStatus, decode_timer
from shared.local.functions_host.index import IndexedFunction, TimerTrigger
from shared.local.functions_host.invocation import Invoker
from shared.local.functions_host.schedule import Schedule, parse_schedule
from shared.local.functions_host.timing import Clock, pause

SHORTEST_MONITORED_INTERVAL = timedelta(minutes=1)


_ENTRIES = TypeAdapter(dict[str, ScheduleStatus])


class TimerStatusFile:
    """Stores the status of timers as JSON, by function name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, function: str) -> ScheduleStatus | None:
        """Return the stored status; None without one."""
        return self._entries().get(function)

    def write(self, function: str, status: ScheduleStatus) -> None:
        """Replace the entry of `function` atomically; a crash leaves the old file or the new one."""
        entries = self._entries() | {function: status}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._path.parent, prefix=f"{self._path.stem}.", delete=False) as fresh:
            fresh.write(_ENTRIES.dump_json(entries, indent=1))
        Path(fresh.name).replace(self._path)

    def _entries(self) -> dict[str, ScheduleStatus]:
        try:
            return _ENTRIES.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}


class Timer:
    """One timer function."""

    def __init__(
        self, function: IndexedFunction, trigger: TimerTrigger, *, invoker: Invoker, clock: Clock, file: TimerStatusFile
    ) -> None:
        """HostError if the schedule of `trigger` cannot be read."""
        self._function = function
        self._trigger = trigger
        self._invoker = invoker
        self._clock = clock
        self._file = file
        self._schedule = parse_schedule(trigger.schedule)
        self._status: ScheduleStatus | None = None
        self._running = asyncio.Lock()

    async def run(self, stopping: asyncio.Event) -> None:
        """Run when due until `stopping` is set; a current run is finished. Failed runs do not end the timer."""
        now = self._clock.now()
        monitored = self._trigger.monitored and _interval(self._schedule, now) >= SHORTEST_MONITORED_INTERVAL
        if monitored:
            self._status = self._file.read(self._function.name)
        past_due = self._status is not None and self._status.next <= now
        if past_due or self._trigger.run_on_startup:
            await self.fire(past_due=past_due)
        while not stopping.is_set():
            status = self._plan_next()
            if monitored:
                self._file.write(self._function.name, status)
            await self._wait_until_due(stopping, status.next)
            if not stopping.is_set():
                await self.fire(past_due=False)

    async def fire(self, *, past_due: bool) -> None:
        """Run the function after the end of a current run, if there is one."""
        async with self._running:
            now = self._clock.now()
            status = self._status or ScheduleStatus(None, self._schedule.next_after(now), now)
            # The invoker has logged the error; the next occurrence is the retry.
            with suppress(Exception):
                await self._invoker.invoke(self._function, decode_timer(past_due=past_due, status=status))
            self._status = ScheduleStatus(last=now, next=status.next, last_updated=self._clock.now())

    def _plan_next(self) -> ScheduleStatus:
        now = self._clock.now()
        last = self._status.last if self._status else None
        self._status = ScheduleStatus(last=last, next=self._schedule.next_after(now), last_updated=now)
        return self._status

    async def _wait_until_due(self, stopping: asyncio.Event, due: datetime) -> None:
        # A wait may end a little early, and a clock may be set back.
        while not stopping.is_set() and (remaining := due - self._clock.now()) > timedelta():
            await pause(stopping, remaining)


def _interval(schedule: Schedule, now: datetime) -> timedelta:
    first = schedule.next_after(now)
    return schedule.next_after(first) - first
