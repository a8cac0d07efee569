"""What only Azure Tables does: pages, limits of size, busy partitions, answers that get lost after their effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
import pytest_asyncio
from azure.data.tables.aio import TableClient

from shared.adapters.storage.tables import TableStateStore
from shared.errors import ConfigurationError, Service, ThrottledError, TransientError
from shared.ports.state import Change, Delete, DocumentKey, Insert, Put, Replace
from tests.contract.storage.table_proxy import TableProxy, Trouble, proxied

# azure-data-tables 12.7 reads an answer in XML in a way that Python 3.12 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")

KEY = DocumentKey("bindings", "contact:1")
OTHER = DocumentKey("claims", "contact:1")


@pytest_asyncio.fixture
async def proxy(azurite: str) -> AsyncIterator[TableProxy]:
    async with proxied(azurite) as opened:
        yield opened


@pytest.fixture
def table() -> str:
    return f"tables{uuid4().hex[:12]}"


@asynccontextmanager
async def _opened(proxy: TableProxy, table: str, *, read_timeout: float) -> AsyncIterator[TableStateStore]:
    client = TableClient.from_connection_string(
        proxy.connection_string, table, retry_total=1, retry_backoff_factor=0.1, read_timeout=read_timeout
    )
    opened = TableStateStore(client)
    await opened.ping()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def store(proxy: TableProxy, table: str) -> AsyncIterator[TableStateStore]:
    """A store whose network can be troubled; it waits a short time only for answers."""
    async with _opened(proxy, table, read_timeout=1) as opened:
        yield opened


@pytest_asyncio.fixture
async def patient_store(proxy: TableProxy, table: str) -> AsyncIterator[TableStateStore]:
    """A store that waits for a slow machine, too."""
    async with _opened(proxy, table, read_timeout=60) as opened:
        yield opened


async def test_more_rows_than_a_page_are_scanned_in_one_call_and_in_several(patient_store: TableStateStore) -> None:
    keys = [DocumentKey("many", f"row-{number:05}") for number in range(1050)]
    await patient_store.write([Put(key, {"n": number}) for number, key in enumerate(keys)])
    page = await patient_store.scan("many", limit=5000)
    assert [document.key for document in page.documents] == keys
    assert page.after is None
    first = await patient_store.scan("many", limit=1020)
    rest = await patient_store.scan("many", limit=1020, after=first.after)
    assert [document.key for document in (*first.documents, *rest.documents)] == keys


async def test_a_write_of_many_partitions_and_kinds_costs_one_transaction_for_a_hundred(
    patient_store: TableStateStore, proxy: TableProxy
) -> None:
    keys = [DocumentKey(f"partition-{number % 4}", f"row-{number}") for number in range(404)]
    before = proxy.requests
    assert None not in await patient_store.write([Insert(key, {}) for key in keys])
    assert proxy.requests - before == 8


async def test_conflicts_in_several_partitions_are_told_apart(patient_store: TableStateStore) -> None:
    keys = [DocumentKey(f"partition-{number % 5}", f"row-{number}") for number in range(150)]
    etags = await patient_store.write([Insert(key, {"n": 0}) for key in keys])
    await patient_store.write([Put(key, {"n": 1}) for key in keys[::7]])
    results = await patient_store.write(
        [Replace(key, {"n": 2}, etag or "") for key, etag in zip(keys, etags, strict=True)]
    )
    assert [etag is None for etag in results] == [number % 7 == 0 for number in range(150)]


# --------------------------------------------------------------------------------------------------- troubled networks

WRITES: dict[str, tuple[Callable[[str], Change], str | None]] = {
    # What a repetition says once the first attempt has had its effect: a condition does not hold twice.
    "insert": (lambda _etag: Insert(OTHER, {"n": 2}), None),
    "replace": (lambda etag: Replace(KEY, {"n": 2}, etag), None),
    "put": (lambda _etag: Put(KEY, {"n": 2}), "an etag"),
    "delete": (lambda _etag: Delete(KEY), ""),
}


@pytest.mark.parametrize("change", [change for change, _ in WRITES.values()], ids=WRITES.keys())
async def test_a_busy_partition_is_asked_again(
    store: TableStateStore, proxy: TableProxy, change: Callable[[str], Change]
) -> None:
    [etag] = await store.write([Put(KEY, {"n": 1})])
    proxy.writes.append(Trouble.BUSY)
    assert None not in await store.write([change(etag or "")])


@pytest.mark.parametrize("change", [change for change, _ in WRITES.values()], ids=WRITES.keys())
async def test_a_write_that_did_not_arrive_is_a_passing_fault_and_can_be_repeated(
    store: TableStateStore, proxy: TableProxy, change: Callable[[str], Change]
) -> None:
    [etag] = await store.write([Put(KEY, {"n": 1})])
    proxy.writes.append(Trouble.BROKEN_BEFORE)
    with pytest.raises(TransientError):
        await store.write([change(etag or "")])
    assert None not in await store.write([change(etag or "")])


@pytest.mark.parametrize("trouble", [Trouble.BROKEN_AFTER, Trouble.SILENT_AFTER])
@pytest.mark.parametrize(("change", "result"), WRITES.values(), ids=WRITES.keys())
async def test_a_write_whose_answer_was_lost_is_a_passing_fault_and_done_once(
    store: TableStateStore,
    proxy: TableProxy,
    change: Callable[[str], Change],
    result: str | None,
    trouble: Trouble,
) -> None:
    [before] = await store.write([Put(KEY, {"n": 1})])
    asked = change(before or "")
    proxy.writes.append(trouble)
    with pytest.raises(TransientError):
        await store.write([asked])

    found = (await store.read([asked.key])).get(asked.key)
    assert (found.body if found else None) == (None if isinstance(asked, Delete) else {"n": 2})
    [again] = await store.write([asked])
    assert (again and "an etag") == result


@pytest.mark.parametrize("trouble", [Trouble.BUSY, Trouble.BROKEN_BEFORE, Trouble.SILENT_AFTER])
async def test_a_read_that_fails_on_the_network_is_repeated(
    store: TableStateStore, proxy: TableProxy, trouble: Trouble
) -> None:
    await store.write([Put(KEY, {"n": 1})])
    proxy.reads.append(trouble)
    assert (await store.read([KEY]))[KEY].body == {"n": 1}
    proxy.reads.append(trouble)
    assert len((await store.scan("bindings")).documents) == 1


CALLS: dict[str, Callable[[TableStateStore], Awaitable[object]]] = {
    "read": lambda store: store.read([KEY]),
    "write": lambda store: store.write([Put(KEY, {})]),
    "scan": lambda store: store.scan("bindings"),
    "ping": lambda store: store.ping(),
}


@pytest.mark.parametrize(("trouble", "kind"), [(Trouble.BUSY, ThrottledError), (Trouble.BROKEN_BEFORE, TransientError)])
async def test_a_network_failure_that_lasts_says_what_to_do_next(
    store: TableStateStore, proxy: TableProxy, trouble: Trouble, kind: type[Exception]
) -> None:
    proxy.writes += [trouble] * 40
    proxy.reads += [trouble] * 40
    said = await asyncio.gather(*(call(store) for call in CALLS.values()), return_exceptions=True)
    assert [type(error) for error in said] == [kind] * len(CALLS)


async def test_a_wrong_key_is_the_administrators_business_whatever_is_asked(azurite: str, table: str) -> None:
    store = TableStateStore.from_connection_string(azurite.replace("Eby8", "AAAA"), table=table)
    said = await asyncio.gather(*(call(store) for call in CALLS.values()), return_exceptions=True)
    await store.close()
    assert [type(error) for error in said] == [ConfigurationError] * len(CALLS)
    assert all(error.service is Service.STATE for error in said if isinstance(error, ConfigurationError))


async def test_a_table_that_was_removed_is_told_and_not_taken_for_an_empty_one(
    store: TableStateStore, azurite: str, table: str
) -> None:
    await store.write([Put(KEY, {"n": 1})])
    async with TableClient.from_connection_string(azurite, table) as client:
        await client.delete_table()
    said = await asyncio.gather(*(call(store) for call in CALLS.values()), return_exceptions=True)
    assert [type(error) for error in said] == [ConfigurationError] * len(CALLS)
