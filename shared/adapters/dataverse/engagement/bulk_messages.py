"""Writes many rows of one table: by a bulk message where the organisation has it for the table, else by `$batch`.

A bulk message is all or nothing. If Dataverse refuses one, its rows are halved until the refused rows are alone, and
the others are written. Source: Microsoft's page "Use bulk operation messages".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.errors import ConfigurationError, ConflictError, ConnectorError, DataError, NotFoundError
from shared.ports.engagement import Refused

LARGEST = 500
"""Rows in one message. Microsoft advises 100 to 1,000: a larger one takes longer to fail."""

_TYPE = "Microsoft.Dynamics.CRM"


class BulkMessage(StrEnum):
    """The bulk messages that are used."""

    UPSERT = "UpsertMultiple"
    UPDATE = "UpdateMultiple"


@dataclass(frozen=True, slots=True)
class BulkTable:
    """A table: logical name, entity set, primary key."""

    name: str
    entity_set: str
    key: str


@dataclass(frozen=True, slots=True)
class BulkRow:
    """The wanted columns of one row, without its key."""

    id: UUID
    values: Mapping[str, Any]


class BulkMessages:
    """Knows which tables have which bulk message; asked once for each."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client
        self._known: dict[tuple[str, BulkMessage], bool] = {}

    async def write(self, table: BulkTable, message: BulkMessage, rows: Sequence[BulkRow]) -> list[Refused]:
        """Write rows; return those that Dataverse refused. Errors that may pass, and wrong settings, are raised."""
        if not rows:
            return []
        if not await self._has(table, message):
            return await self._batched(table, message, rows)
        refused: list[Refused] = []
        for start in range(0, len(rows), LARGEST):
            refused += await self._send(table, message, rows[start : start + LARGEST])
        return refused

    async def _send(self, table: BulkTable, message: BulkMessage, rows: Sequence[BulkRow]) -> list[Refused]:
        targets = [{"@odata.type": f"{_TYPE}.{table.name}", table.key: str(row.id), **row.values} for row in rows]
        path = f"{odata.name(table.entity_set)}/{_TYPE}.{message}"
        try:
            await self._client.execute(WebApiOperation(Method.POST, path, {"Targets": targets}))
        except (DataError, NotFoundError, ConflictError) as error:
            if len(rows) == 1:
                return [Refused(rows[0].id, error)]
            half = len(rows) // 2
            return [
                *await self._send(table, message, rows[:half]),
                *await self._send(table, message, rows[half:]),
            ]
        return []

    async def _batched(self, table: BulkTable, message: BulkMessage, rows: Sequence[BulkRow]) -> list[Refused]:
        write = operations.upsert if message is BulkMessage.UPSERT else operations.update
        results = await self._client.batch([write(table.entity_set, row.id, row.values) for row in rows])
        return sorted_out([row.id for row in rows], [result.error for result in results])

    async def _has(self, table: BulkTable, message: BulkMessage) -> bool:
        known = self._known.get((table.name, message))
        if known is None:
            known = self._known[table.name, message] = await self._look(table, message)
        return known

    async def _look(self, table: BulkTable, message: BulkMessage) -> bool:
        wanted = odata.all_of(
            odata.compare("sdkmessageid/name", ODataComparison.EQUAL, message),
            odata.compare("primaryobjecttypecode", ODataComparison.EQUAL, table.name),
        )
        try:
            async for page in self._client.query(
                "sdkmessagefilters", select=("sdkmessagefilterid",), filter=wanted, top=1
            ):
                return bool(page)
        except ConfigurationError:
            return False  # the role may not read messages; the batch works all the same
        return False


async def remove_rows(client: DataverseClient, table: BulkTable, ids: Sequence[UUID]) -> None:
    """Delete rows in batches; one that does not exist is no error. Raises the first error."""
    deletions = [WebApiOperation(Method.DELETE, odata.row(table.entity_set, one)) for one in ids]
    for result in await client.batch(deletions) if deletions else ():
        if result.error is not None and not isinstance(result.error, NotFoundError):
            raise result.error


def sorted_out(ids: Sequence[UUID], errors: Sequence[ConnectorError | None]) -> list[Refused]:
    """Return the refused rows. Raises the first error that is not the fault of its row."""
    refused: list[Refused] = []
    for identifier, error in zip(ids, errors, strict=True):
        match error:
            case None:
                pass
            case DataError() | NotFoundError() | ConflictError():
                refused.append(Refused(identifier, error))
            case _:
                raise error
    return refused
