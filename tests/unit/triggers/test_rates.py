"""Limits of calls: enough for a monitor or a person."""

from __future__ import annotations

import json

import azure.functions as func
import pytest

from shared.triggers.http import http_function
from shared.triggers.http.access import ROUTES
from shared.triggers.http.rates import OFTEN, SELDOM, Rate, Rates, are_on, caller_of
from tests.unit.local.test_parameters import FUNCTIONS, PARTS


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


RATE = Rate(per_minute=30, at_once=3)


def test_calls_at_once_and_then_calls_per_minute_are_limited() -> None:
    seconds = Seconds()
    rates = Rates(seconds)

    assert [rates.wait("resync", "a", RATE) for _ in range(4)] == [0, 0, 0, 2]
    seconds.now += 2
    assert [rates.wait("resync", "a", RATE) for _ in range(2)] == [0, 2]
    seconds.now += 3600
    assert [rates.wait("resync", "a", RATE) for _ in range(4)] == [0, 0, 0, 2]


def test_refused_calls_do_not_prolong_the_wait() -> None:
    seconds = Seconds()
    rates = Rates(seconds)
    answers = []
    for _ in range(120):
        answers.append(rates.wait("resync", "a", RATE))
        seconds.now += 0.5

    assert answers.count(0) == pytest.approx(33, abs=1)


def test_routes_and_callers_are_counted_apart() -> None:
    rates = Rates(Seconds())
    for _ in range(3):
        rates.wait("resync", "a", RATE)

    assert rates.wait("resync", "a", RATE)
    assert not rates.wait("resync", "b", RATE)
    assert not rates.wait("poll_now", "a", RATE)


def test_the_number_of_buckets_is_limited() -> None:
    rates = Rates(Seconds())
    for number in range(5000):
        rates.wait("resync", str(number), RATE)

    assert len(rates._buckets) == 1000


def test_a_caller_is_identified_by_the_key_that_the_host_reads() -> None:
    """The host takes the header first: another `code` beside it makes nobody another caller."""
    one = caller_of({"x-functions-key": "k"}, {}, principal="")

    assert caller_of({"x-functions-key": "k"}, {"code": "other"}, principal="") == one
    assert caller_of({}, {"CODE": "k"}, principal="") == one
    assert caller_of({"x-functions-key": "other"}, {}, principal="") != one
    assert caller_of({"x-functions-key": "k"}, {}, principal="ann") != one


@pytest.mark.parametrize(("value", "on"), [("", True), ("true", True), (" False", False), ("0", False)])
def test_rates_are_on_unless_a_setting_switches_them_off(value: str, *, on: bool) -> None:
    assert are_on({"HTTP_RATE_LIMITS": value}) is on
    assert are_on({})


def test_reading_is_cheaper_than_repeating() -> None:
    assert {route.rate for route in ROUTES.values() if route.method is func.HttpMethod.GET} == {OFTEN}
    assert {route.rate for route in ROUTES.values() if route.method is not func.HttpMethod.GET} == {SELDOM}


@pytest.mark.parametrize("name", ROUTES)
async def test_every_route_answers_with_retry_after(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_function, "_rates", Rates(Seconds()))
    request = func.HttpRequest(
        ROUTES[name].method.value,
        f"https://app.example/api/{ROUTES[name].path}?surprise=1",
        params={"surprise": "1"},
        headers={"x-functions-key": "k"},
        route_params=PARTS,
        body=b"!",
    )
    answers = [await FUNCTIONS[name](request) for _ in range(ROUTES[name].rate.at_once + 1)]

    assert {one.status_code for one in answers[:-1]} == {400}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].headers["Cache-Control"] == "no-store"
    assert "times a minute" in json.loads(answers[-1].get_body())["error"]
