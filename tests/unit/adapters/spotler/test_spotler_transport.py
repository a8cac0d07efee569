"""How often a call is sent, who waits for whom, and what is said about it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import TypeAdapter

from shared.adapters.spotler.rest.oauth import OneLeggedOAuth1
from shared.adapters.spotler.rest.retrying import RetrySettings
from shared.adapters.spotler.rest.transport import CallRepetition, SpotlerCall, SpotlerTransport
from shared.errors import (
    ConfigurationError,
    ConnectorError,
    DataError,
    Service,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
)

READ = SpotlerCall("contact.read", "GET", "/contact/1")
TRIGGER = SpotlerCall("automation.trigger", "POST", "/automation/trigger", repetition=CallRepetition.HARMFUL)
NUMBERS = TypeAdapter(list[int])
HASTY = RetrySettings(first_wait=timedelta(milliseconds=1), longest_wait=timedelta(milliseconds=2), jitter=timedelta())

Reply = httpx.Response | Exception


class UtcClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Wire:
    """Replies in order, the last one for ever; remembers requests and observations."""

    def __init__(self, *replies: Reply, retries: RetrySettings = HASTY, concurrency: int = 4) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []
        self.observed: list[tuple[Service, str, int]] = []
        self.answered = asyncio.Event()
        self.at_once = self.most_at_once = 0
        clock = UtcClock()
        self.transport = SpotlerTransport(
            "https://spotler.example/integrationservice/",
            OneLeggedOAuth1("key", "secret", clock=clock),
            http=httpx.AsyncClient(transport=httpx.MockTransport(self._answer)),
            clock=clock,
            concurrency=concurrency,
            observe=self._observe,
            retries=retries,
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.001)
        self.at_once -= 1
        reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _observe(self, service: Service, operation: str, status: int, seconds: float) -> None:
        assert seconds > 0
        self.observed.append((service, operation, status))
        self.answered.set()


@pytest.mark.parametrize(
    "trouble",
    [httpx.Response(status) for status in (408, 425, 500, 502, 503, 504)]
    + [httpx.Response(200, text="[1, 2"), httpx.Response(200, text="<xml/>"), httpx.Response(204)]
    + [kind("gone") for kind in (httpx.ConnectError, httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError)],
)
async def test_passing_trouble_is_waited_out(trouble: Reply) -> None:
    wire = Wire(trouble, trouble, httpx.Response(200, json=[1, 2]))
    assert await wire.transport.fetch(READ, NUMBERS) == [1, 2]
    assert len(wire.requests) == 3


async def test_trouble_that_stays_is_told_after_the_last_attempt() -> None:
    wire = Wire(httpx.Response(500, json={"errorType": "BACKEND_EXCEPTION", "message": "jan@example.com"}))
    with pytest.raises(TransientError) as caught:
        await wire.transport.fetch(READ, NUMBERS)
    assert len(wire.requests) == HASTY.attempts
    assert (caught.value.code, caught.value.detail) == ("BACKEND_EXCEPTION", "jan@example.com")


async def test_no_attempt_begins_after_the_time_that_a_caller_has() -> None:
    wire = Wire(httpx.Response(500), retries=replace(HASTY, last_start=timedelta(microseconds=1)))
    with pytest.raises(TransientError):
        await wire.transport.send(READ)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(("status", "kind"), [(400, DataError), (401, ConfigurationError), (403, ConfigurationError)])
async def test_a_final_refusal_is_not_tried_again(status: int, kind: type[ConnectorError]) -> None:
    wire = Wire(httpx.Response(status))
    with pytest.raises(kind):
        await wire.transport.send(READ)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("trouble", [httpx.Response(500), httpx.Response(200, text="[1"), httpx.ReadTimeout("slow")])
async def test_a_call_with_an_effect_is_sent_once_and_its_outcome_is_unknown(trouble: Reply) -> None:
    wire = Wire(trouble)
    with pytest.raises(UnknownOutcomeError):
        await wire.transport.fetch(TRIGGER, NUMBERS)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [(httpx.ConnectError("refused"), TransientError), (httpx.Response(429), ThrottledError)],
)
async def test_a_call_with_an_effect_that_never_arrived_may_be_repeated_by_the_caller(
    trouble: Reply, kind: type[ConnectorError]
) -> None:
    wire = Wire(trouble)
    with pytest.raises(kind):
        await wire.transport.send(TRIGGER)
    assert len(wire.requests) == 1


async def test_every_attempt_is_signed_anew_and_asks_for_json() -> None:
    wire = Wire(httpx.Response(500), httpx.Response(204))
    await wire.transport.send(READ)
    first, second = wire.requests
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert second.headers["Accept"] == second.headers["Content-Type"] == "application/json"
    assert str(second.url) == "https://spotler.example/integrationservice/contact/1"


async def test_every_request_is_observed_with_or_without_an_answer() -> None:
    wire = Wire(httpx.ReadError("reset"), httpx.Response(500), httpx.Response(204))
    await wire.transport.send(READ)
    assert wire.observed == [(Service.SPOTLER, "contact.read", status) for status in (0, 500, 204)]


async def test_no_more_requests_are_under_way_than_agreed() -> None:
    wire = Wire(httpx.Response(204), concurrency=3)
    await asyncio.gather(*(wire.transport.send(READ) for _ in range(12)))
    assert wire.most_at_once == 3


async def test_a_short_pause_is_waited_for_by_all_callers() -> None:
    wire = Wire(httpx.Response(429, headers={"Retry-After": "1"}), httpx.Response(204))
    started = time.monotonic()
    throttled = asyncio.create_task(wire.transport.send(READ))
    await wire.answered.wait()
    await asyncio.gather(throttled, *(wire.transport.send(READ) for _ in range(3)))
    assert time.monotonic() - started >= 1
    assert len(wire.requests) == 5


async def test_a_long_pause_is_the_callers_business_and_stops_the_others_without_a_request() -> None:
    wire = Wire(httpx.Response(429, headers={"Retry-After": "600"}), httpx.Response(204))
    for _ in range(2):
        with pytest.raises(ThrottledError) as caught:
            await wire.transport.send(READ)
        assert timedelta(seconds=590) < caught.value.retry_after <= timedelta(seconds=600)
    assert len(wire.requests) == 1


async def test_a_redirect_is_not_followed() -> None:
    wire = Wire(httpx.Response(302, headers={"Location": "https://evil.example/"}))
    with pytest.raises(ConfigurationError):
        await wire.transport.send(READ)
    assert [request.url.host for request in wire.requests] == ["spotler.example"]


async def test_neither_an_error_nor_a_log_of_ours_quotes_a_person(caplog: pytest.LogCaptureFixture) -> None:
    marked = "jan.de.vries@example.com"
    replies = (httpx.Response(200, text=f'["{marked}"]'), httpx.Response(500, json={"message": marked}))
    caplog.set_level(logging.DEBUG)
    write = SpotlerCall("contact.update", "PUT", "/contact/1", body={"contact": {"properties": {"email": marked}}})
    with pytest.raises(TransientError) as caught:
        await Wire(*replies).transport.fetch(write, NUMBERS)
    assert "retry" in caplog.text
    assert marked not in caplog.text
    assert marked not in repr(caught.value)
    with pytest.raises(TransientError) as unreadable:
        await Wire(replies[0]).transport.fetch(write, NUMBERS)
    assert unreadable.value.detail == "0: int_parsing"
    assert marked not in _traceback(unreadable.value)


def _traceback(error: BaseException) -> str:
    return logging.Formatter().formatException((type(error), error, error.__traceback__))
