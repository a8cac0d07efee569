"""The state store in Azure Tables: one table, one entity per document."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, TypeVar

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableErrorCode, TableTransactionError
from azure.data.tables.aio import TableClient

from shared.adapters.backends.azure_errors import error_code, from_azure
from shared.adapters.storage.documents import require_distinct, require_printable
from shared.adapters.storage.table_entities import document, operation, transactions
from shared.adapters.storage.table_keys import escape_key, prefix_bounds
from shared.adapters.storage.table_layout import LAYOUT_KEY, TableLayout
from shared.domain.wording.errors import ErrorText
from shared.errors import ConfigurationError, Service, TransientError
from shared.ports.state import Change, Delete, Document, DocumentKey, DocumentPage, Insert, Put

# The most entities that the service returns at once.
_PAGE = 1000

# High enough to hide the latency of point reads, low enough for the sockets of a small function app.
_CONCURRENCY = 32

# After that many transactions with a lost condition, the rest of the group is written one by one.
_MOST_TRANSACTIONS = 3

# A failure must reach a worker well before its claim ends; longer waits are left to the queue.
_CLIENT_OPTIONS: Mapping[str, Any] = {
    "retry_total": 2,
    "retry_backoff_max": 4,
    "connection_timeout": 5,
    "read_timeout": 15,
}

# The codes of Tables for a condition that did not hold. Other conflicts (a table being deleted) are errors.
_MISSING = {TableErrorCode.RESOURCE_NOT_FOUND, TableErrorCode.ENTITY_NOT_FOUND}
_LOST = _MISSING | {
    TableErrorCode.ENTITY_ALREADY_EXISTS,
    TableErrorCode.UPDATE_CONDITION_NOT_SATISFIED,
    TableErrorCode.CONDITION_NOT_MET,
}

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _LostConditionError(Exception):
    """A transaction failed because of one change. `index` is None if the service does not name the change."""

    def __init__(self, index: int | None, *, missing: bool) -> None:
        super().__init__(index)
        self.index = index
        self.missing = missing


class TableStateStore:
    """Implements the port `StateStore` with Azure Tables: concurrent point reads, one transaction per partition.

    Busy partitions of the port are spread over several partitions of the table (`table_layout.py`).
    """

    def __init__(self, client: TableClient, credential: AsyncTokenCredential | None = None) -> None:
        """Take over `client` and its `credential`, and close them. The table is created at first use."""
        self._client = client
        self._credential = credential
        self._slots = asyncio.Semaphore(_CONCURRENCY)
        self._creation = asyncio.Lock()
        self._known_layout: TableLayout | None = None

    @classmethod
    def from_connection_string(cls, connection_string: str, *, table: str) -> Self:
        """Use an account key or a shared access signature; ConfigurationError if the string is malformed."""
        try:
            return cls(TableClient.from_connection_string(connection_string, table, **_CLIENT_OPTIONS))
        except ValueError:
            raise ConfigurationError(ErrorText.CONNECTION_STRING(), service=Service.STATE) from None

    @classmethod
    def from_account(cls, account_url: str, credential: AsyncTokenCredential, *, table: str) -> Self:
        """Use a managed identity (role Storage Table Data Contributor). Takes over `credential` and closes it."""
        try:
            return cls(TableClient(account_url, table, credential=credential, **_CLIENT_OPTIONS), credential)
        except ValueError:
            raise ConfigurationError(ErrorText.ACCOUNT_URL(), service=Service.STATE) from None

    async def read(self, keys: Sequence[DocumentKey]) -> dict[DocumentKey, Document]:
        """Return the documents that exist."""
        require_printable(keys)
        layout = await self._layout()
        documents = await self._each(lambda key: self._find(key, layout), dict.fromkeys(keys))
        return {document.key: document for document in documents if document is not None}

    async def write(self, changes: Sequence[Change]) -> list[str | None]:
        """Apply each change on its own condition.

        A transaction of Tables succeeds or fails as a whole: a change with a lost condition is removed, and the others
        are tried again.
        """
        keys = [change.key for change in changes]
        require_printable(keys)
        require_distinct(keys)
        results = await self._apply(changes, await self._layout())
        return [results[change.key] for change in changes]

    async def scan(
        self, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> DocumentPage:
        """Read one page in the order of rows; it may be shorter than `limit` although others follow.

        Of a spread partition, each part gives its share. What a part has beyond the end of another one is read again.
        """
        partition_keys = (await self._layout()).partition_keys(partition)
        share = -(-limit // len(partition_keys))
        pages = await self._each(lambda one: self._scan_part(one, prefix, after, share), partition_keys)
        ends = [page.after for page in pages if page.after is not None]
        end = min(ends, default=None)
        found = sorted(
            (one for page in pages for one in page.documents if end is None or one.key.row <= end),
            key=lambda one: one.key.row,
        )
        return DocumentPage(found[:limit], end if len(found) <= limit else found[limit - 1].key.row)

    async def everything(self) -> AsyncIterator[Sequence[Document]]:
        """Yield pages of all documents, in the order of the service."""
        await self._layout()
        with _translated():
            async for page in self._client.list_entities(results_per_page=_PAGE).by_page():
                documents = [document(entity) async for entity in page]
                yield [one for one in documents if one.key != LAYOUT_KEY]

    async def spread(self) -> int:
        """Move the documents of busy partitions to where a new table has them; return how many were moved.

        Nothing else may use the table meanwhile. A worker that starts is refused until all documents are moved, also
        after an interruption: the next call goes on.
        """
        plain, spread = TableLayout.of_former_table(), TableLayout.of_new_table()
        async with self._creation:
            await self._create_table()
            if await self._find_layout() == spread:
                return 0
            self._known_layout = None
            await self._transact([Put(LAYOUT_KEY, replace(spread, is_moving=True).body)], plain)
        count = 0
        with _translated():
            async for page in self._client.list_entities(results_per_page=_PAGE).by_page():
                found = [(str(entity["PartitionKey"]), document(entity)) async for entity in page]
                moved = [one for place, one in found if place != spread.partition_key(one.key)]
                for layout, changes in (
                    (spread, [Put(one.key, one.body) for one in moved]),
                    (plain, [Delete(one.key) for one in moved]),
                ):  # the copies before the deletions
                    await self._apply(changes, layout)
                count += len(moved)
        await self._transact([Put(LAYOUT_KEY, spread.body)], plain)
        return count

    async def ping(self) -> None:
        """Create the table if necessary and read from it."""
        await self.scan("ping", limit=1)

    async def close(self) -> None:
        """Close the connections, those of the credential as well."""
        await self._client.close()
        if self._credential is not None:
            await self._credential.close()

    async def _layout(self) -> TableLayout:
        """Return the layout of the table; create the table at first use. Of workers that choose one, the first decides.

        ConfigurationError while documents are being moved.
        """
        async with self._creation:
            if self._known_layout is None:
                await self._create_table()
                layout = await self._find_layout() or await self._chosen_layout()
                if layout.is_moving:
                    raise ConfigurationError(
                        ErrorText.TABLE_MOVES(),
                        service=Service.STATE,
                    )
                self._known_layout = layout
            return self._known_layout

    async def _create_table(self) -> None:
        with _translated():
            try:
                await self._client.create_table()
            except ResourceExistsError as error:
                if error_code(error) != TableErrorCode.TABLE_ALREADY_EXISTS:
                    raise

    async def _find_layout(self) -> TableLayout | None:
        known = await self._find(LAYOUT_KEY, TableLayout.of_former_table())
        return TableLayout.read(known.body) if known is not None else None

    async def _chosen_layout(self) -> TableLayout:
        """Choose a layout by what the table holds, unless another worker has chosen meanwhile."""
        plain = TableLayout.of_former_table()
        chosen = TableLayout.of_new_table() if await self._is_empty() else plain
        try:
            await self._transact([Insert(LAYOUT_KEY, chosen.body)], plain)
        except _LostConditionError:
            if (known := await self._find_layout()) is None:
                raise TransientError(ErrorText.TABLE_CHANGES(), service=Service.STATE) from None
            return known
        return chosen

    async def _is_empty(self) -> bool:
        with _translated():
            async for _ in self._client.list_entities(results_per_page=1):
                return False
        return True

    async def _find(self, key: DocumentKey, layout: TableLayout) -> Document | None:
        with _translated():
            try:
                return document(await self._client.get_entity(layout.partition_key(key), escape_key(key.row)))
            except ResourceNotFoundError as error:
                if error_code(error) == TableErrorCode.TABLE_NOT_FOUND:
                    raise
                return None

    async def _scan_part(self, partition_key: str, prefix: str, after: str | None, limit: int) -> DocumentPage:
        """Read one page of a partition of the table."""
        first, beyond = prefix_bounds(prefix)
        conditions = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @beyond"
        parameters = {"partition": partition_key, "first": first, "beyond": beyond}
        if after is not None:
            conditions += " and RowKey gt @after"
            parameters["after"] = escape_key(after)
        documents: list[Document] = []
        with _translated():
            entities = self._client.query_entities(
                conditions, parameters=parameters, results_per_page=min(limit, _PAGE)
            )
            async for entity in entities:
                documents.append(document(entity))
                if len(documents) == limit:
                    return DocumentPage(documents, documents[-1].key.row)
        return DocumentPage(documents, None)

    async def _apply(self, changes: Sequence[Change], layout: TableLayout) -> dict[DocumentKey, str | None]:
        """Return the result of each change."""
        results: dict[DocumentKey, str | None] = {}
        for written in await self._each(lambda one: self._write_group(one, layout), transactions(changes, layout)):
            results.update(written)
        open_changes = [change for change in changes if change.key not in results]
        for written in await self._each(lambda one: self._write_single(one, layout), open_changes):
            results.update(written)
        return results

    async def _write_group(self, changes: list[Change], layout: TableLayout) -> dict[DocumentKey, str | None]:
        """Write the changes of one transaction; changes without a result have not been written."""
        results: dict[DocumentKey, str | None] = {}
        rest = list(changes)
        for _ in range(_MOST_TRANSACTIONS):
            try:
                etags = await self._transact(rest, layout)
            except _LostConditionError as lost:
                if lost.index is None:
                    break
                change = rest.pop(lost.index)
                results[change.key] = _lost_result(change, missing=lost.missing)
                if not rest:
                    break
            else:
                return results | {change.key: etag for change, etag in zip(rest, etags, strict=True)}
        return results

    async def _write_single(self, change: Change, layout: TableLayout) -> dict[DocumentKey, str | None]:
        try:
            [etag] = await self._transact([change], layout)
        except _LostConditionError as lost:
            return {change.key: _lost_result(change, missing=lost.missing)}
        return {change.key: etag}

    async def _transact(self, changes: Sequence[Change], layout: TableLayout) -> list[str]:
        # A single change is a transaction, too: the client's own delete hides whether the entity existed.
        with _translated():
            try:
                answers = await self._client.submit_transaction(operation(change, layout) for change in changes)
            except TableTransactionError as error:
                code = error_code(error)
                if code not in _LOST:
                    raise
                index = _failed_index(error, count=len(changes))
                raise _LostConditionError(index, missing=code in _MISSING) from error
        return [str(answer.get("etag") or "") for answer in answers]

    async def _each(self, function: Callable[[_Item], Awaitable[_Result]], items: Iterable[_Item]) -> list[_Result]:
        """Call `function` for all items concurrently, within the slots of this store; the first error cancels all."""

        async def call(item: _Item) -> _Result:
            async with self._slots:
                return await function(item)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(call(item)) for item in items]
        except ExceptionGroup as errors:
            first = errors.exceptions[0]
            raise first from first.__cause__
        return [task.result() for task in tasks]


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        raise from_azure(error, service=Service.STATE) from error


def _lost_result(change: Change, *, missing: bool) -> str | None:
    """Return the result of a change that Tables refused: an unconditional deletion of a missing entity succeeds."""
    return "" if missing and isinstance(change, Delete) and change.etag is None else None


def _failed_index(error: TableTransactionError, *, count: int) -> int | None:
    """Read the index from the message ("2:The specified entity already exists."), as the service documents it.

    `error.index` cannot be used: it is also 0 if the message has no index.
    """
    found = re.match(r"(\d+):", error.message)
    index = int(found[1]) if found else 0 if count == 1 else None
    return index if index is not None and index < count else None
