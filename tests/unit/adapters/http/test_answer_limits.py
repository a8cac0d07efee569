"""An answer of a service that never ends, or that unpacks to more than the memory has, is refused."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import cache

import httpx
import pytest
from pydantic import TypeAdapter

from shared.adapters.dataverse.web_api.throttling import ServiceProtection
from shared.adapters.dataverse.web_api.transport import Transport, WebApiCall
from shared.adapters.http.exchange import LARGEST_ANSWER, AnswerTooLargeError, bounded_request
from shared.adapters.spotler.rest.oauth import OneLeggedOAuth1
from shared.adapters.spotler.rest.retrying import RetrySettings
from shared.adapters.spotler.rest.transport import CallRepetition, SpotlerCall, SpotlerTransport
from shared.composition.connections import SystemClock
from shared.errors import TransientError, UnknownOutcomeError

PART = 64_000
MEMORY = 2 * LARGEST_ANSWER + 2 * 1_032 * PART  # what was read, and one part unpacked: deflate packs 1,032 to 1


class Endless(httpx.AsyncByteStream):
    """An answer without an end; counts the bytes that were taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += PART
            yield b" " * PART


class Packed(httpx.AsyncByteStream):
    """A billion blanks in a megabyte, in parts as a socket gives them."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        packed = _billion_blanks()
        for start in range(0, len(packed), PART):
            yield packed[start : start + PART]


@cache
def _billion_blanks() -> bytes:
    """A million blanks, and 999 times what another million adds; the end is missing, and nobody should come to it."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    first, more = (packer.compress(b" " * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + 999 * more


class Tokens:
    """Any token will do."""

    async def token(self) -> str:
        return "token"

    def reject(self, token: str) -> None:
        """Nobody rejects it."""


def answering(stream: httpx.AsyncByteStream, **headers: str) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, stream=stream))


def dataverse(stream: httpx.AsyncByteStream) -> Transport:
    return Transport(
        "https://example.crm4.dynamics.com",
        Tokens(),
        ServiceProtection(),
        observe=lambda *_: None,
        read_timeout=timedelta(seconds=30),
        http_transport=answering(stream),
    )


def spotler(stream: httpx.AsyncByteStream) -> SpotlerTransport:
    return SpotlerTransport(
        "https://example.spotler.com",
        OneLeggedOAuth1("key", "secret", clock=SystemClock()),
        http=httpx.AsyncClient(transport=answering(stream)),
        clock=SystemClock(),
        concurrency=1,
        observe=lambda *_: None,
        retries=RetrySettings(attempts=1),
    )


async def test_an_endless_answer_of_dataverse_is_given_up() -> None:
    endless = Endless()

    with pytest.raises(UnknownOutcomeError):
        await dataverse(endless).send(WebApiCall("POST", "contacts", "POST contacts", repeatable=False))

    assert endless.taken <= LARGEST_ANSWER + PART


async def test_an_endless_answer_of_spotler_is_given_up() -> None:
    endless = Endless()

    with pytest.raises(TransientError) as failed:
        await spotler(endless).fetch(SpotlerCall("contact.read", "GET", "/contact"), TypeAdapter(dict[str, str]))

    assert failed.value.code == "AnswerTooLargeError"
    assert endless.taken <= LARGEST_ANSWER + PART


async def test_a_call_with_an_endless_answer_may_have_been_carried_out() -> None:
    call = SpotlerCall("automation.trigger", "POST", "/automation", repetition=CallRepetition.HARMFUL)

    with pytest.raises(UnknownOutcomeError):
        await spotler(Endless()).send(call)


async def test_a_packed_answer_fills_no_memory() -> None:
    http = httpx.AsyncClient(transport=answering(Packed(), **{"content-encoding": "gzip"}))

    tracemalloc.start()
    try:
        with pytest.raises(AnswerTooLargeError):
            await bounded_request(http, "GET", "https://example.org/")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert most < MEMORY


async def test_a_packed_answer_is_read() -> None:
    class Small(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield gzip.compress(b'{"value": []}')

    http = httpx.AsyncClient(transport=answering(Small(), **{"content-encoding": "gzip"}))

    read = await bounded_request(http, "GET", "https://example.org/")

    assert read.json() == {"value": []}
