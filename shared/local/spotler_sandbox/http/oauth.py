"""Verifies one-legged OAuth 1.0a (RFC 5849) with HMAC-SHA1 over the request exactly as it came in.

The OAuth fields come in the `Authorization` header or, without one, in the query (RFC 5849, 3.5.1 and 3.5.3).

A framework's decoded path would lose the difference between `/` and `%2F`, so the raw request target is signed here.
The body is never part of the signature: the service speaks JSON and XML, not forms.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qsl, quote, unquote

DEFAULT_PORTS = {"http": "80", "https": "443"}
SIGNATURE_METHOD = "HMAC-SHA1"
VERSION = "1.0"
PREFIX = "oauth_"
UNSIGNED = frozenset({"realm", "oauth_signature"})
REQUIRED = ("oauth_consumer_key", "oauth_nonce", "oauth_signature", "oauth_signature_method", "oauth_timestamp")
REPLAY_MEMORY = timedelta(minutes=10)

_PARAMETER = re.compile(r'\s*([^\s=",]+)="([^"]*)"\s*')


class Refusal(StrEnum):
    """The reasons for which a request is refused."""

    NO_CREDENTIALS = "no credentials"
    UNKNOWN_KEY = "unknown consumer key"
    BAD_METHOD = "signature method is not HMAC-SHA1"
    BAD_VERSION = "version is not 1.0"
    STALE = "timestamp outside the window"
    REPLAYED = "nonce already used"
    BAD_SIGNATURE = "signature does not match"


class RefusedError(Exception):
    """The signature of a request is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of a request that a signature covers. `path` and `query` are still percent-encoded."""

    method: str
    scheme: str
    host: str
    path: str
    query: str
    authorization: str | None


@dataclass(slots=True)
class Verifier:
    """Verifies requests with one key pair, a tolerated clock difference (None: any) and the nonces used so far."""

    key: str
    secret: str = field(repr=False)
    tolerance: timedelta | None
    refuse_replays: bool
    _seen: dict[tuple[str, str], datetime] = field(default_factory=dict, repr=False)

    def verify(self, request: SignedRequest, *, now: datetime) -> None:
        """Accept a request and mark its nonce as used. RefusedError."""
        parameters = _oauth_fields(request)
        if parameters is None or any(not parameters.get(name) for name in REQUIRED):
            raise RefusedError(Refusal.NO_CREDENTIALS)
        if not hmac.compare_digest(_bytes(parameters["oauth_consumer_key"]), _bytes(self.key)):
            raise RefusedError(Refusal.UNKNOWN_KEY)
        if parameters["oauth_signature_method"] != SIGNATURE_METHOD:
            raise RefusedError(Refusal.BAD_METHOD)
        if parameters.get("oauth_version", VERSION) != VERSION:
            raise RefusedError(Refusal.BAD_VERSION)
        if not self._is_fresh(parameters["oauth_timestamp"], now):
            raise RefusedError(Refusal.STALE)
        use = (parameters["oauth_timestamp"], parameters["oauth_nonce"])
        if self.refuse_replays and use in self._seen:
            raise RefusedError(Refusal.REPLAYED)
        in_header = {} if request.authorization is None else parameters
        expected = signature(base_string(request, in_header), self.secret)
        if not hmac.compare_digest(_bytes(expected), _bytes(parameters["oauth_signature"])):
            raise RefusedError(Refusal.BAD_SIGNATURE)
        if self.refuse_replays:
            self._remember(use, now)

    def _is_fresh(self, timestamp: str, now: datetime) -> bool:
        if not (timestamp.isascii() and timestamp.isdigit()):
            return False
        return self.tolerance is None or abs(now.timestamp() - int(timestamp)) <= self.tolerance.total_seconds()

    def _remember(self, use: tuple[str, str], now: datetime) -> None:
        """Keep a nonce while its timestamp is acceptable (the window is open on both sides)."""
        memory = REPLAY_MEMORY if self.tolerance is None else 2 * self.tolerance
        while self._seen and now - next(iter(self._seen.values())) > memory:
            del self._seen[next(iter(self._seen))]
        self._seen[use] = now


def authorization_parameters(header: str | None) -> dict[str, str] | None:
    """Read `OAuth a="1", b="2"`. None if it is no such header or names a parameter twice (RFC 5849, 3.1).

    Values are percent-decoded, not form-decoded: some clients leave the `+` of a base64 signature as it is.
    """
    scheme, _, text = (header or "").strip().partition(" ")
    if scheme.lower() != "oauth":
        return None
    parameters: dict[str, str] = {}
    for part in text.split(","):
        found = _PARAMETER.fullmatch(part)
        if found is None or unquote(found[1]) in parameters:
            return None
        parameters[unquote(found[1])] = unquote(found[2])
    return parameters


def base_string(request: SignedRequest, oauth: Mapping[str, str]) -> str:
    """Build the signature base string (RFC 5849, 3.4.1); `oauth` holds the fields of the header.

    An empty `oauth_token` counts; the header's `realm` does not, and `oauth_signature` does not wherever it is.
    """
    pairs = [(name, value) for name, value in oauth.items() if name not in UNSIGNED]
    pairs += [(name, value) for name, value in _query(request) if name != "oauth_signature"]
    return "&".join(map(_percent, (request.method.upper(), _base_uri(request), _normalized(pairs))))


def signature(base: str, secret: str) -> str:
    """Sign with the consumer secret and an empty token secret; base64."""
    digest = hmac.new(f"{_percent(secret)}&".encode(), base.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _oauth_fields(request: SignedRequest) -> dict[str, str] | None:
    """Read the OAuth fields from header or query; None if there are none or one is repeated."""
    if request.authorization is not None:
        return authorization_parameters(request.authorization)
    fields = [(name, value) for name, value in _query(request) if name.startswith(PREFIX)]
    return dict(fields) if fields and len(dict(fields)) == len(fields) else None


def _query(request: SignedRequest) -> list[tuple[str, str]]:
    # Bytes that are not UTF-8 must survive the conversion to text, or a valid signature would be refused.
    return parse_qsl(request.query, keep_blank_values=True, errors="surrogateescape")


def _base_uri(request: SignedRequest) -> str:
    host, _, port = request.host.lower().partition(":") if not request.host.startswith("[") else (request.host, "", "")
    authority = host if port in {"", DEFAULT_PORTS.get(request.scheme, "")} else f"{host}:{port}"
    return f"{request.scheme}://{authority}{request.path}"


def _normalized(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(
        f"{name}={value}" for name, value in sorted((_percent(name), _percent(value)) for name, value in pairs)
    )


def _percent(text: str) -> str:
    return quote(text, safe="-._~", errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
