"""The way back into Dataverse: fields, subscriptions and refusals of many records in as few requests as possible.

A batch costs one `$batch`, and one before it if names must be found (lookups, marketing lists). Rows that a repetition
finds to exist already cost one or two more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.records.name_search import NamesFound
from shared.adapters.dataverse.web_api import operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.faults import DUPLICATE_KEY, UNDECLARED_MEMBER, UNKNOWN_MEMBER
from shared.adapters.dataverse.web_api.operations import WebApiOperation
from shared.adapters.dataverse.writeback.refusals import refusal, worst
from shared.adapters.dataverse.writeback.row_builder import RowBuilder
from shared.adapters.dataverse.writeback.subscription_returns import SubscriptionWrite
from shared.adapters.dataverse.writeback.subscription_writer import SubscriptionWriter
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL, DO_NOT_EMAIL
from shared.domain.records.outcomes import FieldProblem
from shared.errors import ConfigurationError, ConflictError, ConnectorError, NotFoundError, Service
from shared.ports.writeback import Writeback, WritebackResult

DETECT_DUPLICATES = {"MSCRM.SuppressDuplicateDetection": "false"}
"""Without it, the rules of the organisation do not apply to what the Web API writes."""

_STALE = frozenset({UNKNOWN_MEMBER, UNDECLARED_MEMBER})
"""Somebody has changed a table since its columns were read."""


@dataclass(slots=True)
class _Write:
    """One operation and what it is for. `subscription` is None for the record itself."""

    operation: WebApiOperation
    subscription: SubscriptionWrite | None = None
    error: ConnectorError | None = None


@dataclass(slots=True)
class _PendingUpdate:
    """One record on its way."""

    coming: Writeback
    draft: RowBuilder
    subscriptions: list[SubscriptionWrite]
    writes: list[_Write] = field(default_factory=list)

    def result(self) -> WritebackResult:
        """Sum up."""
        errors = [self._told(write, write.error) for write in self.writes if write.error is not None]
        return WritebackResult(worst(errors), tuple(self._problems()), frozenset(self.draft.restated))

    def _problems(self) -> list[FieldProblem]:
        return [*self.draft.problems, *(problem for one in self.subscriptions for problem in one.left_out)]

    def _told(self, write: _Write, error: ConnectorError) -> ConnectorError:
        if write.subscription is None:
            return refusal(error, self.draft.columns)
        if isinstance(error, NotFoundError):  # not the record: its row, its list, or the record, which reading tells
            return ConflictError("A subscription's row was deleted in between", service=Service.DATAVERSE)
        return refusal(error, ())


class DataverseWritebacks:
    """Implements the port `Writebacks` for one version of the mapping. The client belongs to `DataverseCrm`."""

    def __init__(
        self,
        client: DataverseClient,
        schema: SchemaCache,
        mapping: FieldMapping,
        *,
        detects_duplicates: bool = False,
    ) -> None:
        """`detects_duplicates` lets the organisation's duplicate detection rules refuse what is written to records."""
        self._client = client
        self._schema = schema
        self._mapping = mapping
        self._subscriptions = SubscriptionWriter(client, schema, mapping)
        self._headers = DETECT_DUPLICATES if detects_duplicates else {}

    async def write_back(self, comings: Sequence[Writeback]) -> Sequence[WritebackResult]:
        """Write; per record, in order, what became of it."""
        result = list(await self._bring(comings))
        stale = [index for index, one in enumerate(result) if one.error is not None and one.error.code in _STALE]
        if stale:
            self._schema.forget()
            again = await self._bring([comings[index] for index in stale])
            for index, one in zip(stale, again, strict=True):
                result[index] = one
        return result

    async def _bring(self, comings: Sequence[Writeback]) -> Sequence[WritebackResult]:
        journeys = await self._journeys(comings)
        names = await self._names(list(journeys.values()))
        for journey in journeys.values():
            journey.writes = self._writes(journey, names)
        await self._send([write for journey in journeys.values() for write in journey.writes])
        return [
            journeys[index].result() if index in journeys else WritebackResult(_unreadable(coming))
            for index, coming in enumerate(comings)
        ]

    # -------------------------------------------------------------------------------------------------------- prepare

    async def _journeys(self, comings: Sequence[Writeback]) -> dict[int, _PendingUpdate]:
        """Draft what shall be written, by place in `comings`; a table that does not exist is left out."""
        if not any(map(_has_content, comings)):
            return {}
        schema = await self._schema.tables({coming.key.table for coming in comings})
        prepared = await self._subscriptions.prepare([(coming.key, coming.subscriptions) for coming in comings])
        journeys: dict[int, _PendingUpdate] = {}
        for index, (coming, subscriptions) in enumerate(zip(comings, prepared, strict=True)):
            table = schema.tables.get(coming.key.table)
            if table is None:
                continue
            draft = RowBuilder(table, self._mapping.zone)
            for one in coming.fields:
                draft.put(one.row.sources.get(coming.key.table), one.row, one.definition, one.value)
            journeys[index] = _PendingUpdate(coming, draft, subscriptions)
        return journeys

    async def _names(self, journeys: Sequence[_PendingUpdate]) -> NamesFound:
        return await self._subscriptions.settle(
            [journey.draft for journey in journeys], [one for journey in journeys for one in journey.subscriptions]
        )

    # ----------------------------------------------------------------------------------------------------------- write

    def _writes(self, journey: _PendingUpdate, names: NamesFound) -> list[_Write]:
        coming, body = journey.coming, dict(journey.draft.body)
        if coming.refuses_bulk is False:
            body[DO_NOT_BULK_EMAIL] = False
        if coming.refuses_mail is False:
            body[DO_NOT_EMAIL] = False
        entity_set = tables.PEOPLE[coming.key.table].entity_set
        writes: list[_Write] = []
        if body:
            writes.append(_Write(self._update(entity_set, coming, body, coming.etag or "*")))
        if coming.refuses_bulk:  # after the fields: it changes the version that they insist on
            writes.append(_Write(self._update(entity_set, coming, {DO_NOT_BULK_EMAIL: True}, "*")))
        sent = ((one, one.operation(names)) for one in journey.subscriptions)
        return writes + [_Write(operation, one) for one, operation in sent if operation is not None]

    def _update(self, entity_set: str, coming: Writeback, body: dict[str, Any], version: str) -> WebApiOperation:
        operation = operations.update(entity_set, coming.key.id, body, if_match=version)
        return replace(operation, headers={**operation.headers, **self._headers})

    async def _send(self, writes: Sequence[_Write]) -> None:
        for write, result in zip(writes, await self._client.batch([one.operation for one in writes]), strict=True):
            write.error = result.error
        await self._correct([write for write in writes if _exists_already(write)])

    async def _correct(self, writes: Sequence[_Write]) -> None:
        """Compare rows that an earlier attempt created, and change those that say otherwise."""
        rows = [(write, write.subscription.creation) for write in writes if write.subscription is not None]
        creations = [(write, creation) for write, creation in rows if creation is not None]
        looks = await self._client.batch([creation.look for _, creation in creations])
        differing = []
        for (write, creation), look in zip(creations, looks, strict=True):
            write.error = look.error
            if look.error is None and bool(look.body.get(creation.switch)) != creation.subscribed:
                differing.append((write, creation))
        results = await self._client.batch([creation.correction for _, creation in differing])
        for (write, _), result in zip(differing, results, strict=True):
            write.error = result.error


def _has_content(coming: Writeback) -> bool:
    flags = (coming.refuses_bulk, coming.refuses_mail)
    return bool(coming.fields or coming.subscriptions) or any(flag is not None for flag in flags)


def _exists_already(write: _Write) -> bool:
    return (
        write.error is not None
        and write.error.code == DUPLICATE_KEY
        and write.subscription is not None
        and write.subscription.creation is not None
    )


def _unreadable(coming: Writeback) -> ConnectorError | None:
    if not _has_content(coming):
        return None
    return ConfigurationError(f"Dataverse has no table {coming.key.table}", service=Service.DATAVERSE)
