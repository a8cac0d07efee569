"""Tokens and credentials of Dataverse: asked for rarely, told apart when refused, never shown."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import parse_qs

import pytest
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError
from azure.core.pipeline.transport import AsyncHttpResponse, AsyncHttpTransport
from azure.identity import CredentialUnavailableError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from shared.adapters.dataverse.web_api.credentials import (
    PUBLIC_CLOUD,
    AccessToken,
    CachedTokens,
    Certificate,
    ClientSecret,
    ManagedIdentity,
    token_provider,
)
from shared.adapters.dataverse.web_api.entra import certificate_bytes, entra_fault, entra_tokens
from shared.errors import (
    ConfigurationError,
    ConnectorError,
    TransientError,
)
from shared.local.sandbox.serving import serve
from tests.contract.dataverse_script import (
    ORGANISATION,
)


class TokenEndpoint:
    """Counts how often it is asked; gives tokens for an hour."""

    def __init__(self) -> None:
        self.asked = 0
        self.time = 0.0
        self.failure: Exception | None = None
        self.tokens = CachedTokens(self.fetch, now=lambda: self.time)

    async def fetch(self) -> AccessToken:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        return AccessToken(f"token-{self.asked}", self.time + 3600)


async def test_many_callers_ask_for_one_token() -> None:
    endpoint = TokenEndpoint()
    assert set(await asyncio.gather(*(endpoint.tokens.token() for _ in range(20)))) == {"token-1"}
    assert endpoint.asked == 1


async def test_a_token_is_refreshed_early_and_outlives_a_short_outage() -> None:
    endpoint = TokenEndpoint()
    await endpoint.tokens.token()
    endpoint.time = 3400
    endpoint.failure = TransientError("down")
    assert await endpoint.tokens.token() == "token-1"
    endpoint.failure = None
    assert await endpoint.tokens.token() == "token-3"


async def test_an_outage_longer_than_the_token_is_an_error() -> None:
    endpoint = TokenEndpoint()
    await endpoint.tokens.token()
    endpoint.time = 3590
    endpoint.failure = TransientError("down")
    with pytest.raises(TransientError):
        await endpoint.tokens.token()


async def test_a_rejected_token_is_forgotten_unless_it_was_replaced() -> None:
    endpoint = TokenEndpoint()
    endpoint.tokens.reject(await endpoint.tokens.token())
    assert await endpoint.tokens.token() == "token-2"
    endpoint.tokens.reject("token-1")
    assert await endpoint.tokens.token() == "token-2"


def test_a_certificate_is_read_from_base64_or_from_a_file(tmp_path: Any) -> None:
    file = tmp_path / "certificate.pem"
    file.write_text("-----BEGIN CERTIFICATE-----")
    assert certificate_bytes(str(file)) == b"-----BEGIN CERTIFICATE-----"
    assert certificate_bytes("LS0tLS1CRUdJTiBYLS0tLS0=") == b"-----BEGIN X-----"
    for source in ("bm90aGluZw==", "x" * 5000, "\0"):
        with pytest.raises(ConfigurationError):
            certificate_bytes(source)


async def test_credentials_that_cannot_work_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError):
        token_provider(Certificate("tenant", "client", "LS0tLS1CRUdJTiBYLS0tLS0="), ORGANISATION)
    with pytest.raises(ConfigurationError):
        token_provider(ManagedIdentity(), ORGANISATION, authority="http://127.0.0.1:1")
    unreachable = token_provider(ClientSecret("t", "c", "s"), ORGANISATION, authority="http://127.0.0.1:1")
    with pytest.raises(TransientError):
        await unreachable.token()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"access_token": "abc", "expires_in": "3599"}, None),
        (200, {"hello": "world"}, ConfigurationError),
        (401, {"error": "invalid_client"}, ConfigurationError),
        (503, {}, TransientError),
    ],
)
async def test_a_token_endpoint_without_tls_is_asked_for_the_organisation_only(
    status: int, body: dict[str, str], kind: type[ConnectorError] | None
) -> None:
    asked: list[tuple[str, dict[str, list[str]]]] = []

    async def endpoint(request: Request) -> JSONResponse:
        asked.append((request.url.path, parse_qs((await request.body()).decode())))
        return JSONResponse(body, status)

    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=["POST"])])
    async with serve(app) as address:
        tokens = token_provider(
            ClientSecret("contoso", "id", "hush"), f"{ORGANISATION}/main.aspx", authority=address.url
        )
        if kind:
            with pytest.raises(kind):
                await tokens.token()
        else:
            assert await tokens.token() == "abc"
    ((path, form),) = asked
    assert path == "/contoso/oauth2/v2.0/token"
    assert form["scope"] == [f"{ORGANISATION}/.default"]
    assert form["client_secret"] == ["hush"]


def refusal_of_entra(status: int) -> ClientAuthenticationError:
    error = ClientAuthenticationError("AADSTS7000215")
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (refusal_of_entra(401), ConfigurationError),
        (refusal_of_entra(400), ConfigurationError),
        (CredentialUnavailableError("no managed identity here"), ConfigurationError),
        (refusal_of_entra(503), TransientError),
        (refusal_of_entra(429), TransientError),
        (ClientAuthenticationError("Unexpected response"), TransientError),
        (ServiceRequestError("no route"), TransientError),
    ],
)
def test_a_refusal_of_entra_is_told_from_its_outage(failure: AzureError, kind: type[ConnectorError]) -> None:
    error = entra_fault(failure)
    assert isinstance(error, kind)
    assert "AADSTS" not in str(error)


class FakeEntra(AsyncHttpTransport[Any, Any]):
    """Answers the real classes of azure.identity: each request gets a token of its own."""

    def __init__(self) -> None:
        self.asked = 0
        self.closed = 0

    async def send(self, request: Any, **_: Any) -> Any:
        if ".well-known" in request.url:
            base = "https://login.microsoftonline.com/tenant"
            endpoints = {name: f"{base}/{name}" for name in ("token_endpoint", "authorization_endpoint", "issuer")}
            return FakeAnswer(request, endpoints)
        self.asked += 1
        expires = int(time.time()) + 7200
        token = {"access_token": f"token-{self.asked}", "token_type": "Bearer", "resource": ORGANISATION}
        return FakeAnswer(request, {**token, "expires_in": 7200, "expires_on": str(expires)})

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        self.closed += 1

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class FakeAnswer(AsyncHttpResponse):
    """A response that was read."""

    def __init__(self, request: Any, body: dict[str, Any]) -> None:
        super().__init__(request, None)
        self._body = json.dumps(body).encode()
        self.status_code = 200
        self.headers = {"content-type": "application/json"}
        self.content_type = "application/json"

    def body(self) -> bytes:
        return self._body

    def stream_download(self, pipeline: Any, **_: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    "credential",
    [ClientSecret("tenant", "client", "hush"), ManagedIdentity()],
    ids=["client secret", "managed identity"],
)
async def test_a_rejected_token_is_not_given_again_by_the_cache_of_azure_identity(
    credential: ClientSecret | ManagedIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi")  # as App Service says it
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    entra = FakeEntra()
    tokens = entra_tokens(credential, f"{ORGANISATION}/.default", PUBLIC_CLOUD, transport=entra)
    assert await tokens.token() == "token-1"

    tokens.reject("token-1")
    assert await tokens.token() == "token-2"
    assert await tokens.token() == "token-2"
    tokens.reject("token-1")  # somebody's late answer
    assert await tokens.token() == "token-2"
    assert entra.asked == 2
    assert entra.closed == entra.asked, "the credential of each token was closed"


def test_credentials_show_no_secret_in_their_text() -> None:
    assert "hush" not in repr(ClientSecret("t", "c", "hush"))
    assert "hush" not in repr(Certificate("t", "c", "hush", "hush"))
    assert "hush" not in repr(AccessToken("hush", 0))
