"""HTTP to one Dataverse organisation: token, time-outs, service protection, safe repetitions, errors, observation.

Paths are relative to the Web API, so that the token cannot travel to another host.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
import stamina

from shared.adapters.dataverse.web_api.credentials import CachedTokens
from shared.adapters.dataverse.web_api.faults import fault, lost, retry_after
from shared.adapters.dataverse.web_api.throttling import ServiceProtection
from shared.adapters.http.exchange import UNANSWERED, Observe, observed_request, was_not_sent
from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.domain.wording.errors import ErrorText
from shared.errors import ConfigurationError, ConnectorError, Service, ThrottledError, TransientError

API_PATH = "/api/data/v9.2/"
_CONNECT = 5.0  # seconds
_ATTEMPTS = 4
_PAUSES = 3  # short pauses that one call waits for before it raises
_RENEWALS = 3  # fresh tokens for one call: a token that was issued just now may not be accepted everywhere yet
_HEADERS = {
    "Accept": "application/json",
    "OData-MaxVersion": "4.0",
    "OData-Version": "4.0",
    "User-Agent": "spotler-connector",
}


@dataclass(frozen=True, slots=True)
class WebApiCall:
    """One HTTP request; `path` is relative to the Web API."""

    method: str
    path: str
    name: str
    repeatable: bool
    content: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    extra_time: timedelta = timedelta()


class _NotSentError(TransientError):
    """No connection was made: repeating is safe whatever the request was."""


class Transport:
    """Sends calls. One per organisation and application user."""

    def __init__(
        self,
        organisation_url: str,
        tokens: CachedTokens,
        protection: ServiceProtection,
        *,
        observe: Observe,
        read_timeout: timedelta,
        http_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`http_transport` replaces the network."""
        url = urlsplit(organisation_url)
        if url.scheme not in {"http", "https"} or not url.netloc:
            raise ConfigurationError(ErrorText.INCOMPLETE_URL(), service=Service.DATAVERSE)
        self.base = f"{url.scheme}://{url.netloc}{API_PATH}"
        self._tokens = tokens
        self._protection = protection
        self._observe = observe
        self._read_timeout = read_timeout.total_seconds()
        # The timeout is set per call, and redirects are refused: a token must not follow one.
        self._http = httpx.AsyncClient(transport=http_transport, headers=_HEADERS, follow_redirects=False)
        for logger in ("httpx", "httpcore"):  # they would log URLs, and filters hold addresses
            logging.getLogger(logger).setLevel(logging.WARNING)

    async def send(self, call: WebApiCall) -> httpx.Response:
        """Return a successful answer, read to its end, or raise a ConnectorError."""

        def worth_repeating(error: Exception) -> bool:
            return isinstance(error, TransientError) and (call.repeatable or isinstance(error, _NotSentError))

        async for attempt in stamina.retry_context(on=worth_repeating, attempts=_ATTEMPTS, wait_max=8.0):
            with attempt:
                return await self._send_through_pauses(call)
        raise AssertionError("retry_context returns or raises")

    async def close(self) -> None:
        """Release connections."""
        await self._http.aclose()

    async def _send_through_pauses(self, call: WebApiCall) -> httpx.Response:
        """Send again after short pauses. A throttled request was not executed: this is safe for every method."""
        pauses = 0
        renewals = 0
        while True:
            # The slot is held until the pause is noted: the next request must wait for it.
            async with self._protection.slot():
                token = await self._tokens.token()
                response = await self._exchange(call, token)
                self._protection.note(response.headers)
                if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                    self._protection.pause(retry_after(response.headers))
            if response.is_success:
                return response
            error = fault(call.name, response.status_code, response.headers, response.content)
            if response.status_code == HTTPStatus.UNAUTHORIZED and renewals < _RENEWALS:
                self._tokens.reject(token)  # revoked, or expired by another clock
                renewals += 1
            elif (
                isinstance(error, ThrottledError)
                and error.retry_after <= self._protection.longest_pause
                and pauses < _PAUSES
            ):
                pauses += 1
            else:
                raise self._final(call, error)

    async def _exchange(self, call: WebApiCall, token: str) -> httpx.Response:
        timeout = httpx.Timeout(self._read_timeout + call.extra_time.total_seconds(), connect=_CONNECT)
        headers = {**call.headers, "Authorization": f"Bearer {token}"}
        try:
            return await observed_request(
                self._http,
                Service.DATAVERSE,
                call.name,
                self._observe,
                method=call.method,
                url=self.base + call.path,
                content=call.content,
                headers=headers,
                timeout=timeout,
            )
        except UNANSWERED as error:
            if was_not_sent(error):
                raise _NotSentError(DataverseCause.UNREACHED(operation=call.name), service=Service.DATAVERSE) from None
            raise lost(call.name, repeatable=call.repeatable) from None

    @staticmethod
    def _final(call: WebApiCall, error: ConnectorError) -> ConnectorError:
        """Return an unknown outcome for a gateway's time-out: the server behind it may have executed the request."""
        if error.status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT} and not call.repeatable:
            return lost(call.name, repeatable=False)
        return error
