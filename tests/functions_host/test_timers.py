"""When timer functions run, and when they do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import azure.functions as func
from azure.functions.timer import TimerRequest

from shared.local.functions_host.decode import ScheduleStatus
from shared.local.functions_host.index import TimerTrigger, index_functions
from shared.local.functions_host.invocation import Invoker
from shared.local.functions_host.timers import Timer, TimerStatusFile
from tests.programs.times import LONGEST_WAIT

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@dataclass
class SetClock:
    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def hourly(
    call: Callable[[TimerRequest], None], *, run_on_startup: bool = False, use_monitor: bool = True
) -> func.FunctionApp:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *", run_on_startup=run_on_startup, use_monitor=use_monitor)
    async def poll(timer: func.TimerRequest) -> None:
        assert isinstance(timer, TimerRequest)
        call(timer)

    return app


def timer_of(app: func.FunctionApp, clock: SetClock | SystemClock, folder: Path) -> Timer:
    [function] = index_functions(app, {})
    assert isinstance(function.trigger, TimerTrigger)
    return Timer(
        function,
        function.trigger,
        invoker=Invoker(timeout=None),
        clock=clock,
        file=TimerStatusFile(folder / "timers.json"),
    )


@asynccontextmanager
async def ticking(timer: Timer) -> AsyncIterator[asyncio.Event]:
    stopping = asyncio.Event()
    running = asyncio.create_task(timer.run(stopping))
    await asyncio.sleep(0.02)
    try:
        yield stopping
    finally:
        stopping.set()
        await running


async def test_a_timer_waits_for_its_first_occurrence(tmp_path: Path) -> None:
    runs: list[bool] = []

    async with ticking(timer_of(hourly(lambda timer: runs.append(timer.past_due)), SetClock(), tmp_path)):
        pass

    assert runs == []


async def test_a_timer_may_ask_to_run_at_start(tmp_path: Path) -> None:
    runs: list[bool] = []
    app = hourly(lambda timer: runs.append(timer.past_due), run_on_startup=True)

    async with ticking(timer_of(app, SetClock(), tmp_path)):
        pass

    assert runs == [False]


async def test_an_occurrence_missed_while_the_host_was_down_is_made_up_for_once(tmp_path: Path) -> None:
    runs: list[tuple[bool, str]] = []
    app = hourly(lambda timer: runs.append((timer.past_due, timer.schedule_status["Next"])))

    async with ticking(timer_of(app, SetClock(NOON), tmp_path)):
        pass
    for moment in (NOON + timedelta(minutes=59), NOON + timedelta(hours=5), NOON + timedelta(hours=5, minutes=1)):
        async with ticking(timer_of(app, SetClock(moment), tmp_path)):
            pass

    assert runs == [(True, "2026-05-01T13:00:00+00:00")]


async def test_an_unmonitored_timer_forgets_what_it_missed(tmp_path: Path) -> None:
    runs: list[bool] = []
    app = hourly(lambda timer: runs.append(timer.past_due), use_monitor=False)

    for moment in (NOON, NOON + timedelta(hours=5)):
        async with ticking(timer_of(app, SetClock(moment), tmp_path)):
            pass

    assert runs == []
    assert not (tmp_path / "timers.json").exists()


async def test_timers_of_one_app_share_the_file_without_losing_each_others_status(tmp_path: Path) -> None:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
    async def first(timer: func.TimerRequest) -> None: ...

    @app.timer_trigger(arg_name="timer", schedule="0 30 * * * *")
    async def second(timer: func.TimerRequest) -> None: ...

    file = TimerStatusFile(tmp_path / "timers.json")
    for function in index_functions(app, {}):
        assert isinstance(function.trigger, TimerTrigger)
        timer = Timer(function, function.trigger, invoker=Invoker(timeout=None), clock=SetClock(), file=file)
        async with ticking(timer):
            pass

    kept = [file.read("first"), file.read("second")]
    assert [status.next.minute for status in kept if status] == [0, 30]


def test_hosts_that_share_a_folder_may_write_at_the_same_time(tmp_path: Path) -> None:
    def write(host: int) -> None:
        file = TimerStatusFile(tmp_path / "timers.json")
        for _ in range(200):
            file.write(f"timer {host}", ScheduleStatus(None, NOON, NOON))

    with ThreadPoolExecutor(4) as hosts:
        list(hosts.map(write, range(4)))

    assert [path.name for path in tmp_path.iterdir()] == ["timers.json"]


async def test_two_runs_of_one_timer_never_overlap(tmp_path: Path) -> None:
    active = 0
    most = 0
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *", run_on_startup=True)
    async def poll(timer: func.TimerRequest) -> None:
        nonlocal active, most
        active += 1
        most = max(most, active)
        await asyncio.sleep(0.02)
        active -= 1

    timer = timer_of(app, SetClock(), tmp_path)
    async with ticking(timer):
        await asyncio.gather(timer.fire(past_due=False), timer.fire(past_due=False))

    assert most == 1


async def test_a_timer_goes_on_after_a_failure_and_ends_with_a_finished_run(tmp_path: Path) -> None:
    runs: list[str] = []
    twice = asyncio.Event()
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
    async def poll(timer: func.TimerRequest) -> None:
        if not runs:
            runs.append("failed")
            raise ValueError
        twice.set()
        await asyncio.sleep(0.05)
        runs.append("finished")

    async with ticking(timer_of(app, SystemClock(), tmp_path)):
        async with asyncio.timeout(LONGEST_WAIT):
            await twice.wait()

    assert runs == ["failed", "finished"]
    assert not (tmp_path / "timers.json").exists()
