"""Finds or creates the records of subscribers (NEW). A new row gets a fixed id, so a repetition finds it again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.name_search import NameSearch, NamesFound, name_key, place_in
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.faults import DUPLICATE_KEY
from shared.adapters.dataverse.web_api.odata import ODataComparison, Value
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.adapters.dataverse.writeback.refusals import refusal
from shared.adapters.dataverse.writeback.row_builder import RowBuilder
from shared.adapters.dataverse.writeback.stale_schema import written_with_current_schema
from shared.adapters.dataverse.writeback.subscription_returns import SubscriptionWrite
from shared.adapters.dataverse.writeback.subscription_writer import SubscriptionWriter
from shared.adapters.dataverse.writeback.write_back import DETECT_DUPLICATES
from shared.domain.features.subscriber_import import NewField
from shared.domain.mapping.conversions import ColumnKind, kind_of
from shared.domain.mapping.language.expression import MapTo
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.mapping.reverse_conversions import NeedsMatch, Stored, returned
from shared.domain.records.outcomes import FieldProblem, Side
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.records.table_schema import ColumnDefinition, Schema, TableDefinition
from shared.domain.values.addresses import address_key
from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.domain.wording.expectations import Expectation
from shared.errors import (
    ConfigurationError,
    ConnectorError,
    DataError,
    NotFoundError,
    Service,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
)
from shared.ports.new_subscribers import Created, NewEntry, NewRecord

_MOST_MATCHES = 10

_TEXTS = frozenset({ColumnKind.TEXT, ColumnKind.MEMO})


@dataclass(slots=True)
class _PendingCreate:
    """The creation of one row. `error` is the row's own, or a subscription's error that a repetition may cure."""

    record: NewRecord | NewEntry
    builder: RowBuilder
    subscriptions: list[SubscriptionWrite] = field(default_factory=list)
    error: ConnectorError | None = None
    refused: list[FieldProblem] = field(default_factory=list)
    existed: bool = False

    @property
    def id(self) -> UUID:
        """The row's id."""
        return self.record.key.id if isinstance(self.record, NewRecord) else self.record.id

    @property
    def lacks(self) -> str:
        """Return the essential column of the row if it has no value, else ""."""
        essential = self.record.essential if isinstance(self.record, NewRecord) else ""
        return essential if essential not in {"", *self.builder.columns} else ""

    def created(self) -> Created:
        """Return the result."""
        left_out = (problem for one in self.subscriptions for problem in one.left_out)
        problems = (*self.builder.problems, *left_out, *self.refused)
        error = refusal(self.error, self.builder.columns) if self.error is not None else None
        return Created(error, problems, self.existed)

    def take(self, subscription: SubscriptionWrite, error: ConnectorError) -> None:
        """Record the error of a subscription. A row that exists already is left alone: people may have changed it."""
        if self.error is not None or error.code == DUPLICATE_KEY:
            return
        if isinstance(error, ThrottledError | TransientError | UnknownOutcomeError):
            self.error = error
            return
        source = str(MapTo(subscription.change.option_source))
        expected = Expectation.UNREFUSED_ROW()
        self.refused.append(FieldProblem(subscription.spotler, source, expected, side=Side.DATAVERSE))


class DataverseSubscriberRecords:
    """Implements the port `NewRecords` for one version of the mapping. The client belongs to `DataverseCrm`."""

    def __init__(
        self, client: DataverseClient, schema: SchemaCache, mapping: FieldMapping, *, detects_duplicates: bool = False
    ) -> None:
        """`detects_duplicates` applies the organisation's rules to new contacts; leads may be duplicates (NEW-03)."""
        self._client = client
        self._schema = schema
        self._mapping = mapping
        self._detects_duplicates = detects_duplicates
        self._subscriptions = SubscriptionWriter(client, schema, mapping)

    # ----------------------------------------------------------------------------------------------------------- find

    async def matching(self, table: PersonTable, wanted: Sequence[Sequence[NewField]]) -> Sequence[Sequence[RecordKey]]:
        """Find active records: with one query for many subscribers if one text is compared, else with one for each."""
        definition = (await self._schema.tables({table})).tables.get(table)
        if definition is None:
            raise ConfigurationError(DataverseCause.NO_DATAVERSE_TABLE(table=table), service=Service.DATAVERSE)
        name = self._single_text(definition, wanted)
        if name is not None:
            return await self._by_text(table, definition, name, wanted)
        queries = [self._query(definition, one) for one in wanted]
        answers = iter(await self._client.batch([query for query in queries if query is not None]))
        found: list[list[RecordKey]] = []
        for query in queries:
            rows = _rows(next(answers)) if query is not None else []
            found.append([RecordKey(table, UUID(row[definition.primary_id])) for row in rows])
        return found

    def _single_text(self, table: TableDefinition, wanted: Sequence[Sequence[NewField]]) -> str | None:
        """Return the only column that is compared, if it holds text, such as the e-mail address."""
        names = {tuple(one.column.name for one in fields) for fields in wanted}
        if len(names) != 1 or len(columns := names.pop()) != 1:
            return None
        column = table.columns.get(columns[0])
        return column.name if column is not None and kind_of(column) in _TEXTS else None

    async def _by_text(
        self, table: PersonTable, definition: TableDefinition, column: str, wanted: Sequence[Sequence[NewField]]
    ) -> Sequence[Sequence[RecordKey]]:
        is_address = column == self._mapping.email_column(table)
        place, search = place_in(definition, column), NameSearch(address_key if is_address else name_key)
        texts = [str(fields[0].value) for fields in wanted]
        for text in texts:
            search.want(place, text)
        names = await search.find(self._client)
        return [[RecordKey(table, one) for one in names.called(place, text)[:_MOST_MATCHES]] for text in texts]

    def _query(self, table: TableDefinition, fields: Sequence[NewField]) -> WebApiOperation | None:
        """Return the query for records with these values; None if no record can have them, or there are none."""
        if not fields:
            return None
        conditions = [place_in(table).condition]
        for one in fields:
            column = table.columns.get(one.column.name)
            if column is None:
                raise _incomparable(table, one.column.name)
            match returned(one.value, one.definition, column, zone=self._mapping.zone, choices=one.row.choices):
                case Stored(value) if kind_of(column) is not ColumnKind.CHOICES:
                    conditions.append(odata.compare(column.name, ODataComparison.EQUAL, _literal(value, column)))
                case Stored() | NeedsMatch():
                    raise _incomparable(table, column.name)
                case _:
                    return None
        options = operations.shape([table.primary_id], ()) | {"$filter": odata.all_of(*conditions)}
        options["$top"] = str(_MOST_MATCHES)
        return WebApiOperation(Method.GET, odata.reads(odata.name(table.entity_set), options))

    # --------------------------------------------------------------------------------------------------------- create

    async def create(self, records: Sequence[NewRecord | NewEntry]) -> Sequence[Created]:
        """Create; return one result per row, in order."""
        return await written_with_current_schema(self._schema, self._create, records)

    async def _create(self, records: Sequence[NewRecord | NewEntry]) -> Sequence[Created]:
        if not records:
            return []
        schema = await self._schema.tables({_table(record) for record in records})
        creates = await self._prepare(records, schema)
        names = await self._subscriptions.settle(
            [pending.builder for pending in creates.values()],
            [one for pending in creates.values() for one in pending.subscriptions],
        )
        await self._send(list(creates.values()), names)
        return [
            creates[index].created() if index in creates else Created(_no_table(record))
            for index, record in enumerate(records)
        ]

    async def _prepare(self, records: Sequence[NewRecord | NewEntry], schema: Schema) -> dict[int, _PendingCreate]:
        creates: dict[int, _PendingCreate] = {}
        for index, record in enumerate(records):
            table = schema.tables.get(_table(record))
            if table is not None:
                creates[index] = _PendingCreate(record, RowBuilder(table, self._mapping.zone))
                for one in record.fields:
                    creates[index].builder.put_needed(one.column, one.row, one.definition, one.value)
        people = [(pending, pending.record) for pending in creates.values() if isinstance(pending.record, NewRecord)]
        prepared = await self._subscriptions.prepare([(record.key, record.subscriptions) for _, record in people])
        for (pending, _), subscriptions in zip(people, prepared, strict=True):
            pending.subscriptions = subscriptions
        return creates

    async def _send(self, creates: Sequence[_PendingCreate], names: NamesFound) -> None:
        sent: list[tuple[_PendingCreate, SubscriptionWrite | None, WebApiOperation]] = []
        for pending in creates:
            if pending.lacks:
                pending.error = DataError(
                    DataverseCause.NEW_RECORD_LACKS(column=pending.lacks), service=Service.DATAVERSE
                )
                continue
            sent.append((pending, None, self._prepare_create(pending)))
            subscribing = ((one, one.operation(names)) for one in pending.subscriptions)
            sent += [(pending, one, operation) for one, operation in subscribing if operation is not None]
        results = await self._client.batch([operation for _, _, operation in sent])
        for (pending, subscription, _), result in zip(sent, results, strict=True):
            if result.error is not None and subscription is None:
                pending.error = result.error
            elif result.error is not None and subscription is not None:
                pending.take(subscription, result.error)
        await self._recognise([pending for pending in creates if pending.error and pending.error.code == DUPLICATE_KEY])

    def _prepare_create(self, pending: _PendingCreate) -> WebApiOperation:
        entity_set, key = pending.builder.table.entity_set, pending.builder.table.primary_id
        if isinstance(pending.record, NewEntry):
            return operations.upsert(entity_set, pending.id, pending.builder.body)
        operation = operations.create(entity_set, {key: str(pending.id), **pending.builder.body}, key=key)
        if self._detects_duplicates and pending.record.key.table is PersonTable.CONTACT:
            return replace(operation, headers={**operation.headers, **DETECT_DUPLICATES})
        return operation

    async def _recognise(self, creates: Sequence[_PendingCreate]) -> None:
        """Distinguish rows that an earlier attempt created from a clash of another key: both have the same code."""
        reads = [
            operations.retrieve(pending.builder.table.entity_set, pending.id, select=[pending.builder.table.primary_id])
            for pending in creates
        ]
        for pending, answer in zip(creates, await self._client.batch(reads), strict=True):
            if answer.error is None:
                pending.error, pending.existed = None, True
            elif isinstance(answer.error, NotFoundError):
                pending.error = DataError(DataverseCause.ALTERNATE_KEY(), service=Service.DATAVERSE)
            else:
                pending.error = answer.error


def _table(record: NewRecord | NewEntry) -> str:
    return record.key.table if isinstance(record, NewRecord) else record.table


def _no_table(record: NewRecord | NewEntry) -> ConnectorError:
    return ConfigurationError(DataverseCause.NO_DATAVERSE_TABLE(table=_table(record)), service=Service.DATAVERSE)


def _incomparable(table: TableDefinition, column: str) -> ConfigurationError:
    return ConfigurationError(DataverseCause.NO_MATCH_BY(table=table.name, column=column), service=Service.DATAVERSE)


def _literal(value: str | float | bool | None, column: ColumnDefinition) -> Value:  # noqa: FBT001  # JSON
    """Convert a value of a body into one of a filter, where dates have no quotes."""
    match kind_of(column), value:
        case ColumnKind.DATE, str():
            return date.fromisoformat(value)
        case ((ColumnKind.LOCAL_DATE | ColumnKind.LOCAL_TIME | ColumnKind.INDEPENDENT_TIME), str()):
            return datetime.fromisoformat(value)
        case _:
            return value


def _rows(answer: OperationResult) -> list[dict[str, str]]:
    if answer.error is not None:
        raise answer.error
    rows: list[dict[str, str]] = answer.body["value"]
    return rows
