"""Requests are signed as Mail+ checks them: OAuth 1.0a, HMAC-SHA1, key and secret only."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import unquote

import httpx
import pytest

from shared.adapters.spotler.rest.oauth import OneLeggedOAuth1

HOST = "https://restapi.mailplus.nl"
KEY, SECRET, NONCE, MOMENT = "dpf43f3p2l4k3l03", "kd94hf93k423kf44", "kllo9940pd9333jh", 1700000000

VECTORS = [
    ("GET", f"{HOST}/integrationservice-1.1.0/contact/properties/list", "mLpswKq2+pepSnu+NUo7yQzHQkw="),
    (
        "GET",
        (
            f"{HOST}/integrationservice/contact/updates/list?fromDate=2024-01-01T00%3A00%3A00%2B01%3A00"
            "&toDate=2024-01-02T00%3A00%3A00%2B01%3A00&pageSize=100"
        ),
        "vG6FXhsu26gTlBYRtBlVwbBy4RM=",
    ),
    (
        "GET",
        f"{HOST}/integrationservice/contact/search?pageSize=1&MPSearchQuery=email%3Dj.doe%2Btest%40example.com",
        "fUduCenBh/fEAS/nvt16UfN4CEE=",
    ),
    ("POST", f"{HOST}/integrationservice-1.1.0/contact", "yOXK+dL+p70BcFJvhHvPhNChdMg="),
    ("PUT", f"{HOST}/integrationservice-1.1.0/contact/cust%2042%2Fa", "oTvD7LhXI2cIommDdBbeZDWzo1g="),
    (
        "GET",
        "http://127.0.0.1:8080/integrationservice-1.1.0/mailing?fromDate=2024-01-01&toDate=2024-03-01",
        "TXVPZdymRQB3MHamf+kZ+vN1MCQ=",
    ),
    (
        "GET",
        f"{HOST}/integrationservice/contact/search?pageSize=10&MPSearchQuery=email%3Da+b%2Bc%40d.nl",
        "bEG93O/4CjYlZtvmkY3tIVL2/y4=",
    ),
]


class At:
    """A clock that stands at one second."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


def signed(auth: OneLeggedOAuth1, request: httpx.Request) -> dict[str, str]:
    """Send nothing; return the parameters of the header that would be sent."""
    header = next(auth.auth_flow(request)).headers["Authorization"]
    assert header.startswith("OAuth ")
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', header)}


@pytest.mark.parametrize(("method", "url", "signature"), VECTORS)
def test_the_known_vectors_come_out(method: str, url: str, signature: str) -> None:
    auth = OneLeggedOAuth1(KEY, SECRET, clock=At(MOMENT), nonce=lambda: NONCE)
    assert signed(auth, httpx.Request(method, url)) == {
        "oauth_consumer_key": KEY,
        "oauth_nonce": NONCE,
        "oauth_signature": signature,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(MOMENT),
        "oauth_version": "1.0",
    }


def test_a_vector_of_another_client_comes_out() -> None:
    auth = OneLeggedOAuth1("key", "secret", clock=At(1646405666), nonce=lambda: "meMW5KBOXmcs8gZ0C2YplIne0gKAo1Au")
    request = httpx.Request("GET", "http://localhost:3000/api/v1/campaigns")
    assert signed(auth, request)["oauth_signature"] == "Hef0lrl3BKMDyiE4zGLlwcr4VXo="


def test_an_explicit_default_port_is_not_signed() -> None:
    auth = OneLeggedOAuth1(KEY, SECRET, clock=At(MOMENT), nonce=lambda: NONCE)
    method, url, signature = VECTORS[0]
    assert signed(auth, httpx.Request(method, url.replace(HOST, f"{HOST}:443")))["oauth_signature"] == signature


def test_the_json_body_is_not_signed() -> None:
    auth = OneLeggedOAuth1(KEY, SECRET, clock=At(MOMENT), nonce=lambda: NONCE)
    method, url, signature = VECTORS[3]
    parameters = signed(auth, httpx.Request(method, url, json={"update": True}))
    assert parameters["oauth_signature"] == signature
    assert "oauth_body_hash" not in parameters


def test_parameters_that_httpx_encodes_are_signed_decoded() -> None:
    auth = OneLeggedOAuth1(KEY, SECRET, clock=At(MOMENT), nonce=lambda: NONCE)
    request = httpx.Request(
        "GET",
        f"{HOST}/integrationservice/contact/search",
        params={"pageSize": "10", "MPSearchQuery": "email=a b+c@d.nl"},
    )
    assert signed(auth, request)["oauth_signature"] == VECTORS[6][2]


async def test_every_attempt_has_its_own_nonce_and_timestamp() -> None:
    clock = At(MOMENT)
    headers: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        headers.append(request.headers["Authorization"])
        clock.seconds += 1
        return httpx.Response(204)

    auth = OneLeggedOAuth1(KEY, SECRET, clock=clock)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=auth) as http:
        for _ in range(3):
            await http.put(f"{HOST}/integrationservice/contact/anonymize/1")
    nonces = {re.findall(r'oauth_nonce="([^"]+)"', header)[0] for header in headers}
    times = [re.findall(r'oauth_timestamp="([^"]+)"', header)[0] for header in headers]
    assert len(nonces) == 3
    assert times == [str(MOMENT), str(MOMENT + 1), str(MOMENT + 2)]


def test_neither_key_nor_secret_can_be_printed() -> None:
    shown = repr(OneLeggedOAuth1(KEY, SECRET, clock=At(MOMENT)))
    assert KEY not in shown
    assert SECRET not in shown
