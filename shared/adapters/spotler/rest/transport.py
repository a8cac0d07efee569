"""Signed requests to Mail+: bounded concurrency, time-outs, retries, the shared pause, and the connector's errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from shared.adapters.http.exchange import UNANSWERED, Observe, observed_request, was_not_sent
from shared.adapters.http.limiter import RequestLimiter
from shared.adapters.spotler.rest.errors import refusal, unreadable
from shared.adapters.spotler.rest.oauth import OneLeggedOAuth1
from shared.adapters.spotler.rest.retrying import RetrySettings
from shared.domain.wording.errors import ErrorText
from shared.errors import ConnectorError, Service, ThrottledError, TransientError, UnknownOutcomeError
from shared.ports.clock import Clock

Result = TypeVar("Result")

TIME_OUTS = httpx.Timeout(30.0, connect=5.0)

JSON_BOTH_WAYS = {"Accept": "application/json", "Content-Type": "application/json"}
"""Without `Accept` the service answers in XML."""


class CallRepetition(StrEnum):
    """Whether a call may be sent twice."""

    HARMLESS = "harmless"
    HARMFUL = "harmful"


@dataclass(frozen=True, slots=True)
class SpotlerCall:
    """One operation of the API. `path` is encoded already; `operation` is its name in logs, metrics and errors.

    A `fixed_path` names nothing that can be missing, such as a contact. `answering` are statuses other than 2xx whose
    body is an answer, too; if that body cannot be read, they are refusals.
    """

    operation: str
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    fixed_path: bool = False
    answering: frozenset[int] = frozenset()
    repetition: CallRepetition = CallRepetition.HARMLESS


class SpotlerTransport:
    """Sends calls. Raises ConnectorErrors only (`shared/errors.py`). Takes over `http` and closes it."""

    def __init__(
        self,
        base_url: str,
        auth: OneLeggedOAuth1,
        *,
        http: httpx.AsyncClient,
        clock: Clock,
        concurrency: int,
        observe: Observe,
        retries: RetrySettings,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._auth = auth
        self._http = http
        self._clock = clock
        self._observe = observe
        self._retries = retries
        self._limiter = RequestLimiter(Service.SPOTLER, concurrency=concurrency, longest_pause=retries.longest_pause)

    @property
    def free(self) -> float:
        """The share of the concurrent requests that is unused, from 0.0 to 1.0; 0.0 during a pause."""
        return self._limiter.free

    async def fetch(self, call: SpotlerCall, answer: TypeAdapter[Result]) -> Result:
        """Send a call and read its JSON answer, HTTP 204 as None; TransientError for an unreadable answer."""

        def read(response: httpx.Response) -> Result:
            try:
                nothing = response.status_code == HTTPStatus.NO_CONTENT
                return answer.validate_json(b"null" if nothing else response.content)
            except ValidationError as error:
                places = "; ".join(
                    f"{'.'.join(map(str, problem['loc']))}: {problem['type']}"
                    for problem in error.errors(include_url=False, include_context=False, include_input=False)
                )
                # Without a cause, because its text quotes the input.
                raise unreadable(call.operation, status=response.status_code, detail=places) from None

        return await self._send(call, read)

    async def send(self, call: SpotlerCall) -> httpx.Response:
        """Send a call whose answer has no body (204)."""
        return await self._send(call, lambda response: response)

    async def close(self) -> None:
        """Release the connections."""
        await self._http.aclose()

    async def _send(self, call: SpotlerCall, read: Callable[[httpx.Response], Result]) -> Result:
        async for attempt in self._retries.tries(idempotent=call.repetition is CallRepetition.HARMLESS):
            with attempt:
                return await self._once(call, read)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, call: SpotlerCall, read: Callable[[httpx.Response], Result]) -> Result:
        async with self._limiter.slot():
            response = await self._request(call)
        try:
            error = refusal(response, call.operation, fixed_path=call.fixed_path, now=self._clock.now())
            if error is not None and response.status_code not in call.answering:
                raise error
            try:
                return read(response)
            except TransientError:
                if error is not None:
                    raise error from None
                raise
        except ThrottledError as throttled:
            self._limiter.pause(throttled.retry_after)
            if call.repetition is CallRepetition.HARMFUL and throttled.status != HTTPStatus.TOO_MANY_REQUESTS:
                # Only 429 means that the call was not carried out; 503 may come from a proxy that lost the answer.
                raise _unknown_outcome(call, status=throttled.status, code=throttled.code) from throttled
            raise
        except TransientError as failed:
            if call.repetition is CallRepetition.HARMFUL:
                raise _unknown_outcome(call, status=failed.status, code=failed.code) from failed
            raise

    async def _request(self, call: SpotlerCall) -> httpx.Response:
        try:
            return await observed_request(
                self._http,
                Service.SPOTLER,
                call.operation,
                self._observe,
                method=call.method,
                url=f"{self._base_url}{call.path}",
                params=call.params,
                json=call.body,
                headers=JSON_BOTH_WAYS,
                auth=self._auth,
                timeout=TIME_OUTS,
                follow_redirects=False,
            )
        except UNANSWERED as error:
            raise _unanswered(call, error) from None


def _unanswered(call: SpotlerCall, error: Exception) -> ConnectorError:
    code = type(error).__name__
    if call.repetition is CallRepetition.HARMFUL and not was_not_sent(error):
        return _unknown_outcome(call, status=None, code=code)
    return TransientError(ErrorText.SPOTLER_SILENT(operation=call.operation), service=Service.SPOTLER, code=code)


def _unknown_outcome(call: SpotlerCall, *, status: int | None, code: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        ErrorText.SPOTLER_UNKNOWN(operation=call.operation), service=Service.SPOTLER, status=status, code=code
    )
