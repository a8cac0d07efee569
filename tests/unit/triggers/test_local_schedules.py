"""A timer that says 02:00 in Amsterdam means it, though the host counts in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from shared.composition.setting_groups.ncrontab import parse
from shared.composition.settings import Settings, load_settings
from shared.errors import ConfigurationError
from shared.local.functions_host.schedule import parse_schedule
from shared.triggers.timers import timer_function as timers
from shared.triggers.timers.local_schedule import LocalSchedule, local_schedule
from tests.examples import thinned

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
ZONES = ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Auckland", "UTC"]


def made(expression: str, zone: str, now: datetime = START) -> LocalSchedule:
    schedule = local_schedule(expression, zone, now)
    assert schedule is not None
    return schedule


def runs(schedule: LocalSchedule, start: datetime, days: int) -> Iterator[datetime]:
    """What a host that counts in UTC runs: the moments at which a timer was called and had something to do."""
    calls, last = parse_schedule(schedule.utc), start
    while (moment := calls.next_after(last)) < start + timedelta(days=days):
        if schedule.was_due(moment, last):
            yield moment
        last = moment


@pytest.mark.parametrize(
    ("time_of_day", "zone"),
    thinned(
        [
            *(("0 30 2", zone) for zone in ZONES),
            *((one, "Europe/Amsterdam") for one in ("0 0 2", "0 7 4", "0 0 0", "30 59 23")),
            ("0 0 2", "Australia/Lord_Howe"),
        ],
        quick=4,
    ),
)
def test_a_daily_timer_runs_once_on_every_day_of_a_year(time_of_day: str, zone: str) -> None:
    found = [moment.astimezone(ZoneInfo(zone)) for moment in runs(made(f"{time_of_day} * * *", zone), START, 365)]

    days = [moment.date() for moment in found]
    assert days == [date.fromordinal(days[0].toordinal() + number) for number in range(365)]


def test_two_o_clock_in_amsterdam_is_two_o_clock_in_summer_and_winter() -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    found = [moment.astimezone(zone) for moment in runs(made("0 0 2 * * *", zone.key), START, 365)]

    assert {(moment.date().isoformat(), moment.hour) for moment in found if moment.hour != 2} == {("2026-03-29", 3)}
    assert {moment.utcoffset() for moment in found} == {timedelta(hours=1), timedelta(hours=2)}


def test_a_time_that_comes_twice_in_autumn_counts_the_first_time() -> None:
    schedule = made("0 30 2 * * *", "Europe/Amsterdam")
    night = datetime(2026, 10, 24, 12, tzinfo=UTC)

    assert list(runs(schedule, night, 1)) == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


def test_a_time_that_is_skipped_in_spring_is_caught_up_after_the_change() -> None:
    schedule = made("0 30 2 * * *", "Europe/Amsterdam")
    [found] = runs(schedule, datetime(2026, 3, 28, 12, tzinfo=UTC), 1)

    assert found.astimezone(ZoneInfo("Europe/Amsterdam")).isoformat() == "2026-03-29T03:30:00+02:00"


@pytest.mark.parametrize("setting", sorted(name for name in Settings.model_fields if name.endswith("_schedule")))
def test_every_default_runs_as_often_in_amsterdam_as_in_utc(setting: str) -> None:
    default = Settings.model_fields[setting].default
    schedule = local_schedule(default, "Europe/Amsterdam", START)
    if schedule is None:
        assert parse(default).takes_every_hour
        return
    times = len(list(parse(default).times()))
    assert len(list(runs(schedule, START, 365))) == 365 * times


def test_a_timer_of_every_quarter_needs_no_zone() -> None:
    assert local_schedule("0 */15 * * * *", "Europe/Amsterdam", START) is None


def test_a_day_of_the_week_is_one_of_the_zone() -> None:
    """01:00 on a Monday in Auckland is a Sunday in UTC."""
    found = list(runs(made("0 0 1 * * MON", "Pacific/Auckland"), START, 28))

    assert len(found) == 4
    assert {moment.astimezone(ZoneInfo("Pacific/Auckland")).weekday() for moment in found} == {0}
    assert {moment.weekday() for moment in found} == {6}


def test_a_run_that_was_missed_is_caught_up_at_the_next_call_and_not_twice() -> None:
    schedule = made("0 7 4 * * *", "Europe/Amsterdam")
    morning = datetime(2026, 7, 6, 9, tzinfo=UTC)

    assert schedule.was_due(morning, last=datetime(2026, 7, 5, 3, 7, tzinfo=UTC))
    assert not schedule.was_due(morning, last=datetime(2026, 7, 6, 2, 7, 1, tzinfo=UTC))


def test_a_call_that_comes_a_little_early_counts() -> None:
    schedule = made("0 7 4 * * *", "Europe/Amsterdam")
    due = datetime(2026, 7, 6, 2, 7, tzinfo=UTC)

    assert schedule.was_due(due - timedelta(milliseconds=40), due - timedelta(hours=23))


def test_the_first_call_ever_runs_only_at_its_own_time() -> None:
    schedule = made("0 7 4 * * *", "Europe/Amsterdam")

    assert schedule.was_due(datetime(2026, 7, 6, 2, 8, tzinfo=UTC), None)
    assert not schedule.was_due(datetime(2026, 7, 6, 3, 7, tzinfo=UTC), None)


@pytest.mark.parametrize("zone", ["", "Europe/Amsterdamm", "../etc/passwd"])
def test_without_a_zone_that_exists_the_schedule_is_the_host_s(zone: str) -> None:
    assert local_schedule("0 7 4 * * *", zone, START) is None


def test_an_unknown_zone_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULE_TIME_ZONE", "Europe/Amsterdamm")

    with pytest.raises(ConfigurationError, match="SCHEDULE_TIME_ZONE: expected the IANA name"):
        load_settings()


@pytest.mark.parametrize(
    ("field", "numbers"),
    [
        ("*", range(60)),
        ("5", [5]),
        ("1-4", range(1, 5)),
        ("*/20", [0, 20, 40]),
        ("50/5", [50, 55]),
        ("1,7-8", [1, 7, 8]),
    ],
)
def test_a_field_is_numbers_ranges_steps_and_lists(field: str, numbers: list[int]) -> None:
    assert parse(f"0 {field} * * * *").minutes == frozenset(numbers)


def test_names_of_months_and_days_are_numbers() -> None:
    schedule = parse("0 0 0 1 JAN-MAR sun,7,Sat")

    assert (schedule.months, schedule.weekdays) == (frozenset({1, 2, 3}), frozenset({0, 6}))


@pytest.mark.parametrize("text", ["", "* * * * *", "0 60 * * * *", "0 5-2 * * * *", "0 a * * * *", "0 */0 * * * *"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


@pytest.mark.parametrize(
    ("status", "last"),
    [
        ({"Last": "2026-07-06T02:07:00.0012345+00:00"}, datetime(2026, 7, 6, 2, 7, 0, 1234, tzinfo=UTC)),
        ({"Last": "2026-07-06T02:07:00"}, datetime(2026, 7, 6, 2, 7, tzinfo=UTC)),
        ({"Last": "0001-01-01T00:00:00+00:00"}, None),
        ({"Last": "never"}, None),
        ({}, None),
    ],
)
def test_the_host_says_when_it_called_before(status: dict[str, str], last: datetime | None) -> None:
    assert timers.last_call(TimerRequest(schedule_status=status)) == last


async def test_a_timer_function_does_its_work_only_when_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULE_TIME_ZONE", "Europe/Amsterdam")
    monkeypatch.setenv("RECONCILE_SCHEDULE", "0 0 2 * * *")
    clock, worked = [START], []
    monkeypatch.setattr(timers, "_now", lambda: clock[0])
    blueprint = func.Blueprint()

    @timers.timer_function(blueprint, "reconcile_schedule")
    async def compare(timer: func.TimerRequest) -> None:
        worked.append(clock[0])

    for hour, last in ((0, "2026-07-05T01:00:00Z"), (1, "2026-07-06T00:00:00Z")):
        clock[0] = datetime(2026, 7, 6, hour, tzinfo=UTC)
        await compare(TimerRequest(schedule_status={"Last": last}))

    app = func.FunctionApp()
    app.register_functions(blueprint)
    [function] = app.get_functions()
    assert function.get_trigger().schedule == "0 0 0,1 * * *"
    assert worked == [datetime(2026, 7, 6, 0, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("expression", "zone", "moment", "following"),
    [
        ("0 */15 * * * *", "UTC", "2026-03-01T08:01:00+00:00", "2026-03-01T08:15:00+00:00"),
        ("0 0 6,18 * * *", "Europe/Amsterdam", "2026-07-01T05:00:00+00:00", "2026-07-01T16:00:00+00:00"),
        ("0 30 5 1 * *", "UTC", "2026-03-01T06:00:00+00:00", "2026-04-01T05:30:00+00:00"),
        ("0 0 0 29 2 *", "UTC", "2028-02-29T00:00:00+00:00", None),
        ("*/5 * * * * *", "UTC", "2026-03-01T23:59:57+00:00", "2026-03-02T00:00:00+00:00"),
        ("0 30 2 * * *", "Europe/Amsterdam", "2026-03-29T01:10:00+00:00", "2026-03-29T01:30:00+00:00"),
        ("0 30 1 * * *", "Antarctica/Troll", "2026-03-29T01:10:00+00:00", "2026-03-29T01:30:00+00:00"),
        ("0 30 2 * * *", "Europe/Amsterdam", "2026-10-25T01:10:00+00:00", "2026-10-26T01:30:00+00:00"),
    ],
)
def test_the_next_run_is_known(expression: str, zone: str, moment: str, following: str | None) -> None:
    found = parse(expression).next_after(datetime.fromisoformat(moment), ZoneInfo(zone))

    assert found == (datetime.fromisoformat(following) if following else None)
