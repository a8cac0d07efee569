"""Which answers of Dataverse an installation waits for, and which it passes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import AccessToken, CachedTokens
from shared.adapters.dataverse.web_api.throttling import ServiceProtection
from shared.errors import ConfigurationError, ConnectorError, DataError, ThrottledError
from shared.installation.wire.customization_client import CustomizationClient


async def token() -> AccessToken:
    return AccessToken("token", 1e12)


class Wire:
    """Gives prepared answers, and records requests and pauses."""

    def __init__(self, *answers: httpx.Response, last: Callable[[], httpx.Response] | None = None) -> None:
        self._answers = list(answers)
        self._last = last or (lambda: httpx.Response(204))
        self.requests: list[httpx.Request] = []
        self.waited = 0.0

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answers.pop(0) if self._answers else self._last()

    async def _sleep(self, seconds: float) -> None:
        self.waited += seconds

    async def write(self, **options: Any) -> CustomizationClient:
        protection = ServiceProtection(now=lambda: self.waited, sleep=self._sleep)
        async with DataverseClient(
            "https://org.example",
            CachedTokens(token),
            protection=protection,
            http_transport=httpx.MockTransport(self._answer),
        ) as dataverse:
            client = CustomizationClient(dataverse, solution="Ours", sleep=self._sleep)
            await client.create("EntityDefinitions", {"a": 1}, **options)
            return client


def refusal(status: int, code: str, message: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message}}, headers=headers)


async def test_a_customisation_lock_is_waited_for() -> None:
    wire = Wire(*(refusal(429, "0x80071151", "there is another [Import] running") for _ in range(3)))
    await wire.write()
    assert len(wire.requests) == 4
    assert wire.waited >= 60


async def test_a_lock_that_never_ends_is_passed_on() -> None:
    wire = Wire(last=lambda: refusal(429, "0x80071151"))
    with pytest.raises(ThrottledError):
        await wire.write()
    assert len(wire.requests) == 13
    assert 120 <= wire.waited <= 600


async def test_a_lock_that_is_no_throttle_is_waited_for_longer_and_longer() -> None:
    text = "Cannot start another solution because there is another one running"
    wire = Wire(refusal(400, "0x80071151", text), refusal(400, "0x80071151", text))
    await wire.write()
    assert wire.waited == 10 + 20


async def test_definitions_that_have_not_spread_are_tried_twice_again() -> None:
    wire = Wire(last=lambda: refusal(400, "0x80040216"))
    with pytest.raises(DataError):
        await wire.write()
    assert len(wire.requests) == 3


async def test_another_refusal_is_passed_on_at_once() -> None:
    wire = Wire(last=lambda: refusal(400, "0x80044363"))
    with pytest.raises(ConnectorError):
        await wire.write()
    assert len(wire.requests) == 1


async def test_blocked_customisations_name_the_cure() -> None:
    wire = Wire(refusal(403, "0x80048306", "Unmanaged customizations are blocked in this environment."))
    with pytest.raises(ConfigurationError, match="Power Platform admin centre"):
        await wire.write()
    assert len(wire.requests) == 1


async def test_what_is_created_joins_the_solution() -> None:
    wire = Wire()
    await wire.write()
    assert wire.requests[0].headers["MSCRM.SolutionUniqueName"] == "Ours"
