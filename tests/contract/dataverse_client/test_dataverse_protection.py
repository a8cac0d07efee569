"""Service protection: who waits when Dataverse says so, and how much it is asked at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest

from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.adapters.dataverse.web_api.throttling import Budget, ServiceProtection
from shared.errors import (
    ThrottledError,
)
from tests.contract.dataverse_script import (
    ORGANISATION,
    OTHER,
    ROW,
    Script,
    Tokens,
    delete,
    error,
    multipart,
    part,
    read_all,
    rows,
)

pytestmark = pytest.mark.usefixtures("repetitions_do_not_wait")


async def test_a_short_pause_is_waited_for_by_all_callers_whatever_they_send() -> None:
    script = Script(error(429, "0x80072322", Retry_After="7"), httpx.Response(204), concurrency=1)
    await asyncio.gather(
        *(script.client.execute(WebApiOperation(Method.POST, f"Act{n}", repeatable=False)) for n in "ABC")
    )
    assert script.times == [0, 7, 7, 7]
    assert {request.url.path[-4:] for request in script.requests[1:]} == {"ActA", "ActB", "ActC"}


async def test_a_long_pause_is_told_at_once_and_stops_the_others_before_they_send() -> None:
    script = Script(error(429, "0x80072321", Retry_After="120"))
    with pytest.raises(ThrottledError) as first:
        await script.client.execute(delete("contacts", ROW))
    with pytest.raises(ThrottledError) as second:
        await script.client.execute(delete("contacts", OTHER))
    assert first.value.retry_after == second.value.retry_after == timedelta(seconds=120)
    assert first.value.code == "0x80072321"
    assert len(script.requests) == 1
    assert script.clock.slept == []


async def test_a_call_waits_for_three_short_pauses_only() -> None:
    script = Script(error(429, Retry_After="1"))
    with pytest.raises(ThrottledError):
        await script.client.execute(delete("contacts", ROW))
    assert script.clock.slept == [1, 1, 1]


async def test_a_throttled_part_of_a_batch_makes_everybody_wait() -> None:
    script = Script(multipart(part(429, {"error": {"code": "0x80072326", "message": ""}}, Retry_After="9")), rows())
    (result,) = await script.client.batch([delete("contacts", ROW)])
    assert isinstance(result.error, ThrottledError)
    await read_all(script)
    assert script.clock.slept == [9]


async def test_the_budget_and_the_advised_concurrency_are_read_from_every_answer() -> None:
    left = {
        "x-ms-ratelimit-burst-remaining-xrm-requests": "1500",
        "x-ms-ratelimit-time-remaining-xrm-requests": "1,199.8",
        "x-ms-dop-hint": "2",
    }
    script = Script(httpx.Response(204, headers=left))
    assert script.client.budget.share == 1.0
    await script.client.execute(delete("contacts", ROW))
    assert script.client.budget == Budget(requests=1500, seconds=1199.8)
    assert script.client.budget.share == 0.25
    assert script.protection.concurrency == 2


async def test_no_more_requests_are_under_way_than_allowed() -> None:
    under_way = most = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return httpx.Response(204)

    transport = httpx.MockTransport(answer)
    async with DataverseClient(
        ORGANISATION, Tokens(), protection=ServiceProtection(concurrency=3), http_transport=transport
    ) as client:
        await asyncio.gather(*(client.execute(delete("contacts", ROW)) for _ in range(20)))
    assert most == 3
