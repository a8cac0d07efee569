"""One-legged OAuth 1.0a with HMAC-SHA1 (RFC 5849), as Mail+ requires it: key and secret only, in a header.

The signature covers the method, the encoded path and the decoded query parameters, but not the JSON body or its hash.
"""

import secrets
from collections.abc import Callable, Generator

import httpx
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, Client

from shared.ports.clock import Clock

_NONCE_BYTES = 16


def _random_nonce() -> str:
    return secrets.token_hex(_NONCE_BYTES)


class OneLeggedOAuth1(httpx.Auth):
    """Signs every request, so that each attempt has its own nonce and timestamp."""

    def __init__(self, key: str, secret: str, *, clock: Clock, nonce: Callable[[], str] = _random_nonce) -> None:
        self._key = key
        self._secret = secret
        self._clock = clock
        self._nonce = nonce

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key=***, secret=***)"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the `Authorization` header (called by httpx)."""
        signer = Client(
            self._key,
            client_secret=self._secret,
            signature_method=SIGNATURE_HMAC_SHA1,
            nonce=self._nonce(),
            timestamp=str(int(self._clock.now().timestamp())),
        )
        _, headers, _ = signer.sign(
            _as_sent(request.url),
            http_method=request.method,  # type: ignore[arg-type]  # the stubs want a literal; httpx has a str
        )
        request.headers["Authorization"] = headers["Authorization"]
        yield request


def _as_sent(url: httpx.URL) -> str:
    """Return the URL with the encoded path of the request line, which the server verifies."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"
