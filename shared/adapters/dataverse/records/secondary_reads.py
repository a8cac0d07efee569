"""Secondary reads, which the query of a record cannot include: child rows, queries, lists, subscriptions.

They are sent for all records of a read together, and in one `$batch` where that is possible.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.metadata.refused_tables import is_refusal, lacks, missing_privilege
from shared.adapters.dataverse.records.columns import ANNOTATIONS, ColumnReader
from shared.adapters.dataverse.records.subscriptions import ListRows, PeriodiekRows
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.client import MAX_PAGE, DataverseClient
from shared.adapters.dataverse.web_api.operations import Method, Row, WebApiOperation
from shared.domain.mapping.check.resolution import Resolved
from shared.domain.mapping.language.expression import Child, Order, QueryExpression
from shared.domain.mapping.language.query import ReadQuery
from shared.domain.records.records import PermissionRow
from shared.domain.wording.phrase import Phrase
from shared.errors import ConfigurationError, DataError, NotFoundError

log = logging.getLogger(__name__)

_IDS_PER_QUERY = 200
_KEYED = operations.preferences(ANNOTATIONS)
_PAGED = operations.preferences(ANNOTATIONS, page_size=MAX_PAGE)


@dataclass(slots=True)
class SecondaryReads:
    """Values, labels, periodieken and unread sources of each record (see `PersonRecord`); names of marketing lists."""

    values: dict[UUID, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    labels: dict[UUID, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    periodieken: Mapping[UUID, tuple[PermissionRow, ...]] = field(default_factory=dict)
    list_names: Mapping[str, str] = field(default_factory=dict)
    unread: dict[UUID, dict[str, Phrase]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, identifier: UUID, source: Child | QueryExpression, reader: ColumnReader, row: Row) -> None:
        """Store the value of a row; an empty row stands for None."""
        reader.take(source, row, self.values[identifier], self.labels[identifier])


@dataclass(frozen=True)
class ChildRows:
    """The first child row of each record, with all its mapped columns, by one query for many records."""

    entity_set: str
    lookup: str
    sort: str
    columns: tuple[tuple[Child, ColumnReader], ...]

    def among(self, ids: Sequence[UUID]) -> WebApiOperation:
        """Return the query for the children of many records, in order."""
        return self._read(odata.within(self.lookup, ids), _PAGED)

    def of(self, identifier: UUID) -> WebApiOperation:
        """Return the query for the first child of one record."""
        wanted = odata.compare(self.lookup, odata.ODataComparison.EQUAL, identifier)
        return self._read(wanted, _KEYED, top="1")

    def first_rows(self, rows: Iterable[Row]) -> dict[UUID, Row]:
        """Return the first row of each record."""
        first: dict[UUID, Row] = {}
        for row in rows:
            first.setdefault(UUID(row[self.lookup]), row)
        return first

    def _read(self, wanted: str, headers: Mapping[str, str], *, top: str = "") -> WebApiOperation:
        select = dict.fromkeys((self.lookup, *(reader.selected for _, reader in self.columns)))
        options = {"$select": ",".join(select), "$filter": wanted, "$orderby": self.sort, "$top": top}
        return WebApiOperation(Method.GET, odata.reads(self.entity_set, options), headers=headers)


@dataclass(frozen=True)
class QueryRows:
    """An `@odata:` query of the mapping, sent once for each record."""

    source: QueryExpression
    query: ReadQuery
    reader: ColumnReader
    table: str

    def of(self, identifier: UUID) -> WebApiOperation:
        """Return the query for one record."""
        path = odata.reads(self.query.path(identifier), self.query.options_for(identifier))
        return WebApiOperation(Method.GET, path, headers=_KEYED)

    def row(self, answer: OperationResult) -> Row:
        """Return the first row of an answer, empty if there is none."""
        if isinstance(answer.error, NotFoundError):
            return {}
        rows: Sequence[Row] = [answer.body] if self.query.is_keyed else answer.body["value"]
        return rows[0] if rows else {}


class SecondaryReader:
    """Makes the secondary reads of one table."""

    def __init__(
        self,
        found: Iterable[Resolved],
        *,
        language: int | None,
        zone: tzinfo,
        lists: ListRows | None = None,
        periodieken: PeriodiekRows | None = None,
    ) -> None:
        children: defaultdict[tuple[str, str, str, Order], list[Resolved]] = defaultdict(list)
        self._queries: list[QueryRows] = []
        self._lists, self._periodieken = lists, periodieken
        for one in found:
            match one.source:
                case Child(table, _, sort, order):
                    children[table, one.lookup, sort, order].append(one)
                case QueryExpression() if one.query is not None:
                    reader = ColumnReader(one.column, language, zone)
                    self._queries.append(QueryRows(one.source, one.query, reader, one.table.name))
                case _:
                    raise ValueError("only child rows and queries are secondary reads")
        self._children = [_child_rows(group, language, zone) for group in children.values()]

    async def read(self, client: DataverseClient, ids: Sequence[UUID]) -> SecondaryReads:
        """Read all of it for these records: one request, and a second one if some have very many children.

        Marketing lists and periodieken cost one more request each.
        """
        reads = SecondaryReads()
        if self._lists is not None:
            reads.list_names = await self._lists.read(client)
        if self._periodieken is not None:
            reads.periodieken = await self._periodieken.read(client, ids)
        chunks = [ids[start : start + _IDS_PER_QUERY] for start in range(0, len(ids), _IDS_PER_QUERY)]
        asked = [(children, chunk) for children in self._children for chunk in chunks]
        questions = [(query, identifier) for query in self._queries for identifier in ids]
        if not asked and not questions:
            return reads
        answers = await client.batch(
            [children.among(chunk) for children, chunk in asked] + [query.of(one) for query, one in questions]
        )
        await self._take_children(client, asked, answers[: len(asked)], reads)
        self._take_queries(questions, answers[len(asked) :], reads)
        return reads

    async def _take_children(
        self,
        client: DataverseClient,
        asked: Sequence[tuple[ChildRows, Sequence[UUID]]],
        answers: Sequence[OperationResult],
        reads: SecondaryReads,
    ) -> None:
        hidden: list[tuple[ChildRows, UUID]] = []
        for (children, chunk), answer in zip(asked, answers, strict=True):
            body = _body(answer)
            first = children.first_rows(body["value"])
            for identifier in chunk:
                if identifier not in first and "@odata.nextLink" in body:
                    hidden.append((children, identifier))  # on a later page, after thousands of other records' rows
                else:
                    _take(children, identifier, first.get(identifier, {}), reads)
        if hidden:
            found = await client.batch([children.of(identifier) for children, identifier in hidden])
            for (children, identifier), answer in zip(hidden, found, strict=True):
                _take(children, identifier, next(iter(_body(answer)["value"]), {}), reads)

    @staticmethod
    def _take_queries(
        questions: Sequence[tuple[QueryRows, UUID]], answers: Sequence[OperationResult], reads: SecondaryReads
    ) -> None:
        """Store the answers. A refused query has no value: its row of the mapping rests. Other errors are raised."""
        refused: dict[str, str] = {}
        for (query, identifier), answer in zip(questions, answers, strict=True):
            error = answer.error
            if isinstance(error, DataError | ConfigurationError) and not isinstance(error, NotFoundError):
                refused[query.query.entity_set] = str(error)
                if is_refusal(error):
                    reads.unread[identifier][str(query.source)] = lacks(missing_privilege(error), query.table)
            elif error is not None and not isinstance(error, NotFoundError):
                raise error
            else:
                reads.take(identifier, query.source, query.reader, query.row(answer))
        for entity_set, reason in refused.items():
            log.warning("a row of the mapping rests: its query of %s was refused: %s", entity_set, reason)


def _child_rows(group: Sequence[Resolved], language: int | None, zone: tzinfo) -> ChildRows:
    return ChildRows(
        entity_set=group[0].table.entity_set,
        lookup=f"_{group[0].lookup}_value",
        sort=", ".join(_sort(group[0])),
        columns=tuple(
            (one.source, ColumnReader(one.column, language, zone)) for one in group if isinstance(one.source, Child)
        ),
    )


def _sort(one: Resolved) -> Iterator[str]:
    """Sort by the mapping, then by id, so that rows with the same moment have a stable order."""
    assert isinstance(one.source, Child), "grouped by it"
    by = ColumnReader(one.table.columns[one.source.sort]).selected
    yield f"{by} {one.source.order.lower()}"
    yield f"{one.table.primary_id} asc"


def _take(children: ChildRows, identifier: UUID, row: Row, reads: SecondaryReads) -> None:
    for source, reader in children.columns:
        reads.take(identifier, source, reader, row)


def _body(answer: OperationResult) -> Any:
    if answer.error is not None:
        raise answer.error
    return answer.body
