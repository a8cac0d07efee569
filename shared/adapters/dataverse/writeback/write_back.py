"""Writes fields, subscriptions and refusals of many records to Dataverse in as few requests as possible.

A call costs one `$batch`, and one before it if names must be found (lookups, marketing lists). Rows that an earlier
attempt created cost one or two more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.records.name_search import NamesFound
from shared.adapters.dataverse.web_api import operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.faults import DUPLICATE_KEY
from shared.adapters.dataverse.web_api.operations import WebApiOperation
from shared.adapters.dataverse.writeback.refusals import refusal, worst
from shared.adapters.dataverse.writeback.row_builder import RowBuilder
from shared.adapters.dataverse.writeback.stale_schema import written_with_current_schema
from shared.adapters.dataverse.writeback.subscription_returns import SubscriptionWrite
from shared.adapters.dataverse.writeback.subscription_writer import SubscriptionWriter
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL, DO_NOT_EMAIL
from shared.domain.records.outcomes import FieldProblem
from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.errors import ConfigurationError, ConflictError, ConnectorError, NotFoundError, Service
from shared.ports.writeback import Writeback, WritebackResult

DETECT_DUPLICATES = {"MSCRM.SuppressDuplicateDetection": "false"}
"""Without this header, the organisation's rules do not apply to writes of the Web API."""


@dataclass(slots=True)
class _Write:
    """One operation. `subscription` is None for a write of the record itself."""

    operation: WebApiOperation
    subscription: SubscriptionWrite | None = None
    error: ConnectorError | None = None


@dataclass(slots=True)
class _PendingUpdate:
    """The writes of one record, and their errors."""

    writeback: Writeback
    builder: RowBuilder
    subscriptions: list[SubscriptionWrite]
    writes: list[_Write] = field(default_factory=list)

    def result(self) -> WritebackResult:
        """Return the result of all writes."""
        errors = [self._reported(write, write.error) for write in self.writes if write.error is not None]
        return WritebackResult(worst(errors), tuple(self._problems()), frozenset(self.builder.restated))

    def _problems(self) -> list[FieldProblem]:
        return [*self.builder.problems, *(problem for one in self.subscriptions for problem in one.left_out)]

    def _reported(self, write: _Write, error: ConnectorError) -> ConnectorError:
        if write.subscription is None:
            return refusal(error, self.builder.columns)
        if isinstance(error, NotFoundError):  # of the row, the list or the record; reading the record shows which
            return ConflictError(DataverseCause.SUBSCRIPTION_GONE(), service=Service.DATAVERSE)
        return refusal(error, ())


class DataverseWritebacks:
    """Implements the port `Writebacks` for one version of the mapping. The client belongs to `DataverseCrm`."""

    def __init__(
        self, client: DataverseClient, schema: SchemaCache, mapping: FieldMapping, *, detects_duplicates: bool = False
    ) -> None:
        """`detects_duplicates` applies the organisation's duplicate detection rules to writes of records."""
        self._client = client
        self._schema = schema
        self._mapping = mapping
        self._subscriptions = SubscriptionWriter(client, schema, mapping)
        self._headers = DETECT_DUPLICATES if detects_duplicates else {}

    async def write_back(self, writebacks: Sequence[Writeback]) -> Sequence[WritebackResult]:
        """Write; return one result per record, in order."""
        return await written_with_current_schema(self._schema, self._write_all, writebacks)

    async def _write_all(self, writebacks: Sequence[Writeback]) -> Sequence[WritebackResult]:
        updates = await self._prepare(writebacks)
        names = await self._names(list(updates.values()))
        for update in updates.values():
            update.writes = self._writes(update, names)
        await self._send([write for update in updates.values() for write in update.writes])
        return [
            updates[index].result() if index in updates else WritebackResult(_unreadable(writeback))
            for index, writeback in enumerate(writebacks)
        ]

    # -------------------------------------------------------------------------------------------------------- prepare

    async def _prepare(self, writebacks: Sequence[Writeback]) -> dict[int, _PendingUpdate]:
        """Prepare the writes, by index in `writebacks`; records of a table that does not exist are left out."""
        if not any(map(_has_content, writebacks)):
            return {}
        schema = await self._schema.tables({writeback.key.table for writeback in writebacks})
        prepared = await self._subscriptions.prepare(
            [(writeback.key, writeback.subscriptions) for writeback in writebacks]
        )
        updates: dict[int, _PendingUpdate] = {}
        for index, (writeback, subscriptions) in enumerate(zip(writebacks, prepared, strict=True)):
            table = schema.tables.get(writeback.key.table)
            if table is None:
                continue
            builder = RowBuilder(table, self._mapping.zone)
            for one in writeback.fields:
                builder.put(one.row.sources.get(writeback.key.table), one.row, one.definition, one.value)
            updates[index] = _PendingUpdate(writeback, builder, subscriptions)
        return updates

    async def _names(self, updates: Sequence[_PendingUpdate]) -> NamesFound:
        return await self._subscriptions.settle(
            [update.builder for update in updates], [one for update in updates for one in update.subscriptions]
        )

    # ----------------------------------------------------------------------------------------------------------- write

    def _writes(self, update: _PendingUpdate, names: NamesFound) -> list[_Write]:
        writeback, body = update.writeback, dict(update.builder.body)
        if writeback.refuses_bulk is False:
            body[DO_NOT_BULK_EMAIL] = False
        if writeback.refuses_mail is False:
            body[DO_NOT_EMAIL] = False
        entity_set = tables.PEOPLE[writeback.key.table].entity_set
        writes: list[_Write] = []
        if body:
            writes.append(_Write(self._update(entity_set, writeback, body, writeback.etag or "*")))
        if writeback.refuses_bulk:  # after the fields: it changes the version that they require
            writes.append(_Write(self._update(entity_set, writeback, {DO_NOT_BULK_EMAIL: True}, "*")))
        sent = ((one, one.operation(names)) for one in update.subscriptions)
        return writes + [_Write(operation, one) for one, operation in sent if operation is not None]

    def _update(self, entity_set: str, writeback: Writeback, body: dict[str, Any], version: str) -> WebApiOperation:
        operation = operations.update(entity_set, writeback.key.id, body, if_match=version)
        return replace(operation, headers={**operation.headers, **self._headers})

    async def _send(self, writes: Sequence[_Write]) -> None:
        for write, result in zip(writes, await self._client.batch([one.operation for one in writes]), strict=True):
            write.error = result.error
        await self._correct([write for write in writes if _exists_already(write)])

    async def _correct(self, writes: Sequence[_Write]) -> None:
        """Compare rows that an earlier attempt created, and correct those with another value."""
        rows = [(write, write.subscription.creation) for write in writes if write.subscription is not None]
        creations = [(write, creation) for write, creation in rows if creation is not None]
        answers = await self._client.batch([creation.read for _, creation in creations])
        differing = []
        for (write, creation), answer in zip(creations, answers, strict=True):
            write.error = answer.error
            if answer.error is None and bool(answer.body.get(creation.switch)) != creation.subscribed:
                differing.append((write, creation))
        results = await self._client.batch([creation.correction for _, creation in differing])
        for (write, _), result in zip(differing, results, strict=True):
            write.error = result.error


def _has_content(writeback: Writeback) -> bool:
    flags = (writeback.refuses_bulk, writeback.refuses_mail)
    return bool(writeback.fields or writeback.subscriptions) or any(flag is not None for flag in flags)


def _exists_already(write: _Write) -> bool:
    return (
        write.error is not None
        and write.error.code == DUPLICATE_KEY
        and write.subscription is not None
        and write.subscription.creation is not None
    )


def _unreadable(writeback: Writeback) -> ConnectorError | None:
    if not _has_content(writeback):
        return None
    return ConfigurationError(DataverseCause.NO_DATAVERSE_TABLE(table=writeback.key.table), service=Service.DATAVERSE)
