"""A busy partition of the port is several partitions of the table, if the table was empty when it was first used."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from azure.data.tables.aio import TableClient

from shared.adapters.storage.archive import export_state, import_state
from shared.adapters.storage.table_layout import TableLayout
from shared.adapters.storage.tables import TableStateStore
from shared.errors import ConfigurationError
from shared.ports.state import Change, Delete, DocumentKey, Insert, Put, Replace, WholeStore

# azure-data-tables 12.7 reads an answer in XML in a way that Python 3.12 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")

KEYS = [DocumentKey("test-binding", f"contact:{UUID(int=7 * number)}") for number in range(200)]
QUIET = [DocumentKey("test-poll", "contacts"), DocumentKey("test-consent-2026-03", "1")]
FORMER = DocumentKey("test-binding", "contact:1")


class Killed(BaseException):
    """The command ended here."""


OpenTable = Callable[[str], TableStateStore]


@pytest_asyncio.fixture
async def opened(azurite: str) -> AsyncIterator[OpenTable]:
    """Opens a table as often as wanted, as several workers would."""
    async with AsyncExitStack() as stack:

        def open_one(table: str) -> TableStateStore:
            store = TableStateStore.from_connection_string(azurite, table=table)
            stack.push_async_callback(store.close)
            return store

        yield open_one


@pytest.fixture
def table() -> str:
    return f"layout{uuid4().hex[:12]}"


async def partitions(azurite: str, table: str) -> Counter[str]:
    """Count the entities of each partition of a table, the layout left out."""
    async with TableClient.from_connection_string(azurite, table) as client:
        found = Counter([str(entity["PartitionKey"]) async for entity in client.list_entities()])
    assert found.pop("state-layout") == 1
    return found


async def filled_by_a_former_release(azurite: str, table: str) -> None:
    """Store a binding as releases did that knew one part of each kind."""
    async with TableClient.from_connection_string(azurite, table) as client:
        await client.create_table()
        entity = {"PartitionKey": FORMER.partition, "RowKey": FORMER.row, "body0": '{"n":1}'}
        await client.create_entity(entity)


async def rows(store: WholeStore) -> set[DocumentKey]:
    return {one.key async for page in store.everything() for one in page}


async def test_documents_of_a_busy_kind_lie_in_four_partitions_and_are_scanned_in_order(
    opened: OpenTable, azurite: str, table: str
) -> None:
    store = opened(table)
    assert None not in await store.write([Insert(key, {}) for key in (*KEYS, *QUIET)])

    found = await partitions(azurite, table)
    parts = {name: count for name, count in found.items() if name.startswith("test-binding")}
    assert len(parts) == 4
    assert min(parts.values()) > len(KEYS) / 4 * 0.7
    assert found - Counter(parts) == Counter(key.partition for key in QUIET)

    assert len(await store.read(KEYS)) == len(KEYS)
    walked, after = [], None
    while True:
        page = await store.scan("test-binding", prefix="contact:", after=after, limit=70)
        assert 0 < len(page.documents) <= 70
        walked += [one.key for one in page.documents]
        if (after := page.after) is None:
            break
    assert walked == KEYS
    assert await rows(store) == {*KEYS, *QUIET}


async def test_workers_that_use_a_new_table_at_once_agree(opened: OpenTable, table: str) -> None:
    workers = [opened(table) for _ in range(6)]
    results = await asyncio.gather(*(one.write([Insert(KEYS[0], {"n": n})]) for n, one in enumerate(workers)))
    assert sum(etag is not None for (etag,) in results) == 1
    assert all(await asyncio.gather(*(one.read([KEYS[0]]) for one in workers)))


async def test_a_table_of_a_former_release_keeps_its_documents_where_they_are(
    opened: OpenTable, azurite: str, table: str
) -> None:
    await filled_by_a_former_release(azurite, table)

    first, second = opened(table), opened(table)
    document = (await first.read([FORMER]))[FORMER]
    assert document.body == {"n": 1}
    assert await second.write([Insert(FORMER, {"n": 2})]) == [None]
    assert None not in await second.write([Replace(FORMER, {"n": 3}, document.etag), *(Put(key, {}) for key in KEYS)])
    assert (await first.read([FORMER]))[FORMER].body == {"n": 3}
    assert await partitions(azurite, table) == {"test-binding": len(KEYS) + 1}


async def test_the_documents_of_a_former_release_are_spread_in_place(
    opened: OpenTable, azurite: str, table: str
) -> None:
    await filled_by_a_former_release(azurite, table)
    former = opened(table)
    await former.write([Put(key, {"row": key.row}) for key in (*KEYS, *QUIET)])

    assert await opened(table).spread() == len(KEYS) + 1
    assert await opened(table).spread() == 0

    store = opened(table)
    assert {key: one.body for key, one in (await store.read(KEYS)).items()} == {key: {"row": key.row} for key in KEYS}
    assert (await store.read([FORMER]))[FORMER].body == {"n": 1}
    assert await rows(store) == {FORMER, *KEYS, *QUIET}
    found = await partitions(azurite, table)
    assert len(found) == 4 + len(QUIET)
    assert "test-binding" not in found


async def test_no_worker_starts_until_a_spread_that_was_interrupted_is_finished(
    opened: OpenTable, azurite: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled_by_a_former_release(azurite, table)
    await opened(table).write([Put(key, {"row": key.row}) for key in KEYS])
    killed = opened(table)
    whole, calls = killed._transact, 0

    async def breaking(changes: Sequence[Change], layout: TableLayout) -> list[str]:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise Killed
        return await whole(changes, layout)

    monkeypatch.setattr(killed, "_transact", breaking)
    with pytest.raises(BaseExceptionGroup):
        await killed.spread()

    with pytest.raises(ConfigurationError, match="state spread"):
        await opened(table).read(KEYS)
    assert 0 < await opened(table).spread() <= len(KEYS) + 1
    assert await rows(opened(table)) == {FORMER, *KEYS}
    assert len(await opened(table).read(KEYS)) == len(KEYS)
    assert "test-binding" not in await partitions(azurite, table)


async def test_an_export_of_a_former_release_is_spread_by_its_import(
    opened: OpenTable, azurite: str, table: str, tmp_path: Path
) -> None:
    await filled_by_a_former_release(azurite, table)
    former, new = opened(table), opened(f"{table}2")
    await former.write([Put(key, {}) for key in KEYS])

    assert await export_state(former, tmp_path / "state.jsonl") == len(KEYS) + 1
    assert await import_state(new, tmp_path / "state.jsonl") == len(KEYS) + 1

    assert await rows(new) == {FORMER, *KEYS}
    assert len(await partitions(azurite, f"{table}2")) == 4


async def test_a_table_whose_last_document_was_deleted_keeps_its_layout(opened: OpenTable, table: str) -> None:
    store = opened(table)
    await store.write([Put(FORMER, {"n": 1})])
    await store.write([Delete(FORMER)])
    assert await rows(store) == set()
    await opened(table).write([Put(FORMER, {"n": 2})])
    assert (await store.read([FORMER]))[FORMER].body == {"n": 2}
