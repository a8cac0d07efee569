"""Reads and writes customisation: definitions, rows of solution components, actions.

Writes go one at a time (a customisation locks the organisation) into one solution. A lock or a definition that has not
spread yet is waited for; other errors are raised. A failed read is never taken for an absent component.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.client import DataverseClient, WhoAmI
from shared.adapters.dataverse.web_api.operations import Method, Row, WebApiOperation
from shared.errors import ConfigurationError, ConnectorError, Service, ThrottledError

CUSTOMIZATION_LOCK = "0x80071151"
_NOT_SETTLED = frozenset({"0x80040216", "0x80060891"})
"""Codes of definitions that Dataverse has not spread to all its servers yet."""
_LOCK_TEXTS = ("another customization", "there is another", "cannot start the requested operation")
_BLOCKED_TEXTS = ("unmanaged customization", "block unmanaged")
_LOCK_ATTEMPTS = 13
_SETTLING_ATTEMPTS = 3
_STRONG = {"Consistency": "Strong"}

BLOCKED = (
    "This environment blocks unmanaged customisations. Switch the setting off in the Power Platform admin centre "
    "(Environment, Settings, Features) for the time of the installation, or let an administrator do so"
)


@dataclass(slots=True)
class Counts:
    """How many requests were sent."""

    reads: int = 0
    writes: int = 0


class CustomizationClient:
    """One organisation, as the person who installs sees it. The client belongs to the caller, who closes it."""

    def __init__(
        self,
        client: DataverseClient,
        *,
        solution: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`solution` is the unique name of the solution that new components join; `sleep` waits for seconds."""
        self._client = client
        self._solution = solution
        self._sleep = sleep
        self.counts = Counts()

    async def who_am_i(self) -> WhoAmI:
        """Read the caller and the organisation."""
        self.counts.reads += 1
        return await self._client.who_am_i()

    def address(self, path: str) -> str:
        """Return the whole address of a row, for references."""
        return self._client.address(path)

    # --------------------------------------------------------------------------------------------------------- reads

    async def get(self, path: str, **options: str) -> Row:
        """Read a definition, a row, or the answer of a function. Options: `select`, `filter`, `expand`."""
        operation = WebApiOperation(Method.GET, odata.reads(path, _query(options)), headers=_STRONG)
        self.counts.reads += 1
        body: Row = (await self._patiently(operation)).body
        return body

    async def get_all(self, paths: Sequence[str]) -> list[Row]:
        """Read the answers of several paths, in as few requests as possible."""
        operations = [WebApiOperation(Method.GET, path, headers=_STRONG) for path in paths]
        self.counts.reads += len(operations)
        results = await self._client.batch(operations)
        answered = zip(operations, results, strict=True)
        return [
            result.body if result.error is None else (await self._patiently(operation)).body
            for operation, result in answered
        ]

    async def collections(self, paths: Sequence[str]) -> list[list[Row]]:
        """Read all items of several collections, in as few requests as possible."""
        return [await self._items(answer) for answer in await self.get_all(paths)]

    async def rows(self, path: str, **options: str) -> list[Row]:
        """Read all items of a collection, page by page."""
        return await self._items(await self.get(path, **options))

    async def _items(self, body: Row) -> list[Row]:
        found: list[Row] = list(body["value"])
        while link := body.get("@odata.nextLink"):
            body = await self.get(self._client.relative(link))
            found += body["value"]
        return found

    # -------------------------------------------------------------------------------------------------------- writes

    async def create(self, path: str, body: Mapping[str, Any]) -> UUID | None:
        """Create a definition or row in the solution; return its id if the answer tells it."""
        return (await self._write(Method.POST, path, body)).id

    async def replace(self, path: str, body: Mapping[str, Any]) -> None:
        """Replace a definition; the labels of other languages stay."""
        await self._write(Method.PUT, path, body, {"MSCRM.MergeLabels": "true"})

    async def change(self, path: str, body: Mapping[str, Any], *, if_match: str = "*") -> None:
        """Change columns of a row that exists; ConflictError if `if_match` is an old version."""
        await self._write(Method.PATCH, path, body, {"If-Match": if_match})

    async def remove(self, path: str) -> None:
        """Delete a definition or row."""
        await self._write(Method.DELETE, path, None)

    async def act(self, action: str, body: Mapping[str, Any]) -> Any:
        """Call an action; return its answer."""
        return (await self._write(Method.POST, action, body)).body

    async def ask(self, action: str, body: Mapping[str, Any]) -> Row:
        """Call an action that changes nothing, and may be repeated for that reason; return its answer."""
        self.counts.reads += 1
        answer: Row = (await self._patiently(WebApiOperation(Method.POST, action, body, repeatable=True))).body
        return answer

    async def _write(
        self, method: Method, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str] | None = None
    ) -> OperationResult:
        solution = {"MSCRM.SolutionUniqueName": self._solution} if self._solution else {}
        operation = WebApiOperation(
            method, path, body, {**solution, **(headers or {})}, repeatable=method is not Method.POST
        )
        self.counts.writes += 1
        return await self._patiently(operation)

    def outside_the_solution(self) -> "CustomizationClient":
        """Return a client whose writes name no solution: for rows that are no solution components."""
        other = CustomizationClient(self._client, solution="", sleep=self._sleep)
        other.counts = self.counts
        return other

    async def _patiently(self, operation: WebApiOperation) -> OperationResult:
        attempt = 1
        while True:
            try:
                return await self._client.execute(operation)
            except ConnectorError as error:
                if _blocked(error):
                    raise ConfigurationError(BLOCKED, service=Service.DATAVERSE, code=error.code) from None
                wait = _pause(error, attempt)
                if wait is None:
                    raise
            await self._sleep(wait.total_seconds())
            attempt += 1


def _query(options: Mapping[str, str]) -> dict[str, str]:
    return {f"${name}": value for name, value in options.items()}


def _pause(error: ConnectorError, attempt: int) -> timedelta | None:
    """Return how long to wait before the next attempt; None where repeating does not help."""
    locked = error.code == CUSTOMIZATION_LOCK or any(text in error.detail.casefold() for text in _LOCK_TEXTS)
    match error:
        case _ if locked:
            return timedelta(seconds=min(10 * attempt, 20)) if attempt < _LOCK_ATTEMPTS else None
        case ThrottledError():
            return error.retry_after if attempt < _LOCK_ATTEMPTS else None
        case _ if error.code in _NOT_SETTLED:
            return timedelta(seconds=4) if attempt < _SETTLING_ATTEMPTS else None
        case _:
            return None


def _blocked(error: ConnectorError) -> bool:
    text = error.detail.casefold()
    return any(words in text for words in _BLOCKED_TEXTS)
