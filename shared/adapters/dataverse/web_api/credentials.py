"""Access tokens for one Dataverse organisation: client secret, certificate or managed identity of Microsoft Entra.

Tokens are requested for the configured organisation URL and for no other audience.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import httpx

from shared.domain.values.json_text import parse_json
from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.domain.wording.errors import ErrorText
from shared.errors import ConfigurationError, Service, TransientError

PUBLIC_CLOUD = "https://login.microsoftonline.com"
_REFRESH_EARLY = 300.0  # seconds before expiry: long enough to survive a short outage of the token endpoint
_CLOCK_SKEW = 30.0


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """An app registration with a secret."""

    tenant: str
    client: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """An app registration with a certificate: the path of a PEM or PFX file, or its content in base64."""

    tenant: str
    client: str
    source: str = field(repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """The identity of the function app; `client` picks a user-assigned one."""

    client: str | None = None


@dataclass(frozen=True, slots=True)
class AzureCli:
    """The person who signed in with `az login`; for commands, never for the app."""

    tenant: str = ""


Credential = ClientSecret | Certificate | ManagedIdentity | AzureCli


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token and the Unix time at which it ends."""

    text: str = field(repr=False)
    expires_at: float


class CachedTokens:
    """Keeps a token, refreshes it early, and requests only one at a time however many callers wait."""

    def __init__(self, fetch: Callable[[], Awaitable[AccessToken]], *, now: Callable[[], float] = time.time) -> None:
        """`fetch` requests a new token; ConfigurationError or TransientError. `now` is Unix time."""
        self._fetch = fetch
        self._now = now
        self._current: AccessToken | None = None
        self._asking = asyncio.Lock()

    async def token(self) -> str:
        """Return a token that is valid for a while. Raises the errors of `fetch`."""
        if current := self._usable(for_seconds=_REFRESH_EARLY):
            return current
        async with self._asking:
            if current := self._usable(for_seconds=_REFRESH_EARLY):
                return current
            try:
                self._current = await self._fetch()
            except TransientError:
                if current := self._usable(for_seconds=_CLOCK_SKEW):
                    return current
                raise
            return self._current.text

    def reject(self, token: str) -> None:
        """Drop `token`, to which the organisation answered 401, unless it was replaced already."""
        if self._current is not None and self._current.text == token:
            self._current = None

    def _usable(self, *, for_seconds: float) -> str | None:
        current = self._current
        return current.text if current and current.expires_at - self._now() > for_seconds else None


def token_provider(credential: Credential, organisation_url: str, *, authority: str = PUBLIC_CLOUD) -> CachedTokens:
    """Return the tokens of one organisation. Raises ConfigurationError for a certificate that cannot be read."""
    scope = _scope(organisation_url)
    if urlsplit(authority).scheme == "http":
        return _plain_tokens(credential, scope, authority)
    # Importing azure.identity takes most of a second; runs with the sandbox do not need it.
    from shared.adapters.dataverse.web_api.entra import entra_tokens  # noqa: PLC0415

    return entra_tokens(credential, scope, authority)


def _scope(organisation_url: str) -> str:
    parts = urlsplit(organisation_url)
    return f"{parts.scheme}://{parts.netloc}/.default"


def _plain_tokens(credential: Credential, scope: str, authority: str) -> CachedTokens:
    """Request tokens without TLS, which azure.identity refuses: from the sandbox on this machine."""
    if not isinstance(credential, ClientSecret):
        raise ConfigurationError(DataverseCause.CLEAR_AUTHORITY(), service=Service.DATAVERSE)
    url = f"{authority.rstrip('/')}/{quote(credential.tenant, safe='')}/oauth2/v2.0/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": credential.client,
        "client_secret": credential.secret,
        "scope": scope,
    }

    async def fetch() -> AccessToken:
        try:
            async with httpx.AsyncClient(timeout=10) as http:
                answer = await http.post(url, data=form)
        except httpx.TransportError:
            raise TransientError(ErrorText.TOKEN_UNREACHED(), service=Service.DATAVERSE) from None
        status = answer.status_code
        if answer.is_server_error:
            raise TransientError(ErrorText.TOKEN_FAILED(), service=Service.DATAVERSE, status=status)
        if not answer.is_success:
            raise ConfigurationError(
                ErrorText.TOKEN_REFUSED(), service=Service.DATAVERSE, status=status, detail=answer.text
            )
        try:
            grant = parse_json(answer.content)
            return AccessToken(str(grant["access_token"]), time.time() + int(grant["expires_in"]))
        except (ValueError, TypeError, KeyError, OverflowError):
            raise ConfigurationError(ErrorText.NO_TOKEN_ENDPOINT(), service=Service.DATAVERSE) from None

    return CachedTokens(fetch)
