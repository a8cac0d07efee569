"""Access tokens: an OAuth 2.0 token endpoint for client credentials, and the tokens that it issued.

Source: Microsoft's page "Microsoft identity platform and the OAuth 2.0 client credentials flow".
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_BASIC_LIFETIME_SECONDS = 3599


@dataclass(frozen=True, slots=True)
class Grant:
    """The client of a token and its expiry in seconds of a monotonic clock."""

    client_id: str
    audience: str
    expires: float


class TokenRefused(Exception):  # noqa: N818  # an answer of the protocol
    """A refusal of the token endpoint: `error` and `description` of RFC 6749."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


class Tokens:
    """Issues and validates bearer tokens. `clients` maps client ids onto secrets."""

    def __init__(self, clients: Mapping[str, str], lifetime_seconds: int = _BASIC_LIFETIME_SECONDS) -> None:
        self._clients = clients
        self._lifetime = lifetime_seconds
        self._grants: dict[str, Grant] = {}

    def issue(self, form: Mapping[str, str], now: float) -> dict[str, object]:
        """Answer a token request; TokenRefused if it is wrong."""
        if form.get("grant_type") != "client_credentials":
            raise TokenRefused("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        known = self._clients.get(client)
        if known is None:
            raise TokenRefused("unauthorized_client", f"AADSTS700016: Application '{client}' was not found.")
        if not secrets.compare_digest(known.encode(), secret.encode()):
            raise TokenRefused("invalid_client", "AADSTS7000215: Invalid client secret provided.")
        scope = form.get("scope", "")
        if not scope.endswith("/.default"):
            raise TokenRefused("invalid_scope", f"AADSTS70011: The provided value for scope {scope} is not valid.")
        token = secrets.token_urlsafe(32)
        audience = urlsplit(scope.removesuffix("/.default")).netloc
        self._grants[token] = Grant(client, audience, now + self._lifetime)
        return {
            "token_type": "Bearer",
            "expires_in": self._lifetime,
            "ext_expires_in": self._lifetime,
            "access_token": token,
        }

    def client_of(self, authorization: str, audience: str, now: float) -> str | None:
        """Return the client of an `Authorization` header; None unless its token is valid for this host."""
        scheme, _, token = authorization.partition(" ")
        grant = self._grants.get(token.strip())
        if scheme.lower() != "bearer" or grant is None:
            return None
        return grant.client_id if grant.expires > now and grant.audience == audience else None

    def revoke(self, client: str = "") -> None:
        """Make tokens invalid, all or those of one client, as an expired secret or a restarted service would."""
        self._grants = {token: grant for token, grant in self._grants.items() if client and grant.client_id != client}
