"""The contract of `StateStore`, over SQLite and Azure Tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.adapters.storage.keys.key_register import ConfiguredKeys, KeyRegister
from shared.adapters.storage.keys.sealed import SealedStore
from shared.adapters.storage.sqlite import SqliteStateStore
from shared.adapters.storage.tables import TableStateStore
from shared.domain.records.fingerprint_places import FingerprintPlace
from shared.errors import ConfigurationError
from shared.ports.state import Delete, Document, DocumentKey, Insert, Put, Replace, StateStore
from tests.contract.clocks import ManualClock

KEY = DocumentKey("test-binding", "contact:6d81597f")
OTHER = DocumentKey("test-binding", "contact:9c11a2e4")
ELSEWHERE = DocumentKey("claims", "contact:6d81597f")

# Every printable character once, each in a key of its own, and some that could be mistaken for each other once escaped.
AWKWARD = [
    *(f"a{chr(code)}b" for code in range(0x20, 0x7F)),
    "./",
    "/.",
    ".0",
    ".1",
    "/",
    "a",
    "a.",
    "a/",
    "~~",
    " ",
    "%2F",
]

OpenStore = Callable[[], StateStore]


@pytest_asyncio.fixture(params=["sqlite", "tables", "sealed"])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Opens the same store as often as wanted, as several processes would."""
    opened: list[StateStore] = []
    table = f"state{uuid4().hex[:12]}"

    def open_one() -> StateStore:
        match request.param:
            case "sqlite":
                opened.append(SqliteStateStore(tmp_path / "state.db", clock=ManualClock()))
            case "sealed":
                plain = SqliteStateStore(tmp_path / "state.db", clock=ManualClock())
                keys = ConfiguredKeys(b"another key that follows it", b"the first key of all")
                register = KeyRegister(plain, ManualClock(), "test", keys)
                opened.append(
                    SealedStore(plain, register, {KEY.partition: FingerprintPlace(join=lambda _, newer: newer)})
                )
            case "tables":
                connection_string = request.getfixturevalue("azurite")
                opened.append(TableStateStore.from_connection_string(connection_string, table=table))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
def store(open_store: OpenStore) -> StateStore:
    return open_store()


async def written(store: StateStore, *changes: Insert | Put) -> list[Document]:
    await store.write(changes)
    documents = await store.read([change.key for change in changes])
    return [documents[change.key] for change in changes]


async def test_a_key_that_was_never_written_is_not_read(store: StateStore) -> None:
    assert await store.read([KEY, OTHER]) == {}


async def test_nothing_to_read_or_write_is_no_error(store: StateStore) -> None:
    assert await store.read([]) == {}
    assert await store.write([]) == []


async def test_a_document_is_read_as_it_was_written(store: StateStore) -> None:
    body = {"id": "x", "n": -3, "f": 0.25, "yes": True, "none": None, "list": [1, {"a": "é €"}], "": "", "q": "'\"\\\n"}
    [etag] = await store.write([Insert(KEY, body)])
    assert await store.read([KEY]) == {KEY: Document(KEY, body, etag or "")}


async def test_the_same_row_in_two_partitions_is_two_documents(store: StateStore) -> None:
    here, there = await written(store, Put(KEY, {"in": 1}), Put(ELSEWHERE, {"in": 2}))
    assert (here.body, there.body) == ({"in": 1}, {"in": 2})


async def test_insert_is_lost_if_something_is_there(store: StateStore) -> None:
    assert await store.write([Insert(KEY, {"n": 1})]) != [None]
    assert await store.write([Insert(KEY, {"n": 2})]) == [None]
    assert (await store.read([KEY]))[KEY].body == {"n": 1}


async def test_replace_needs_the_version_that_is_there(store: StateStore) -> None:
    [first] = await written(store, Put(KEY, {"n": 1}))
    [etag] = await store.write([Replace(KEY, {"n": 2}, first.etag)])
    assert etag not in {None, first.etag}
    assert await store.write([Replace(KEY, {"n": 3}, first.etag)]) == [None]
    assert await store.read([KEY]) == {KEY: Document(KEY, {"n": 2}, etag or "")}


async def test_replace_leaves_nothing_of_the_body_before(store: StateStore) -> None:
    [before] = await written(store, Put(KEY, {"long": "x" * 100_000}))
    await store.write([Replace(KEY, {"short": 1}, before.etag)])
    assert (await store.read([KEY]))[KEY].body == {"short": 1}


async def test_replace_of_a_missing_document_is_lost(store: StateStore) -> None:
    [document] = await written(store, Put(KEY, {}))
    await store.write([Delete(KEY)])
    assert await store.write([Replace(KEY, {"n": 2}, document.etag)]) == [None]
    assert await store.read([KEY]) == {}


async def test_an_etag_from_before_a_deletion_never_fits_again(store: StateStore) -> None:
    [before] = await written(store, Put(KEY, {"n": 1}))
    await store.write([Delete(KEY)])
    await store.write([Insert(KEY, {"n": 1})])
    assert await store.write([Replace(KEY, {"n": 2}, before.etag)]) == [None]


async def test_put_writes_whatever_version_is_there(store: StateStore) -> None:
    [first] = await store.write([Put(KEY, {"n": 1})])
    [second] = await store.write([Put(KEY, {"n": 2})])
    assert first is not None
    assert second not in {None, first}
    assert (await store.read([KEY]))[KEY].body == {"n": 2}


async def test_delete_removes_and_does_not_mind_a_missing_document(store: StateStore) -> None:
    await store.write([Put(KEY, {})])
    assert await store.write([Delete(KEY)]) == [""]
    assert await store.write([Delete(KEY)]) == [""]
    assert await store.read([KEY]) == {}


async def test_delete_with_an_etag_needs_that_version(store: StateStore) -> None:
    [first] = await written(store, Put(KEY, {"n": 1}))
    [second] = await written(store, Put(KEY, {"n": 2}))
    assert await store.write([Delete(KEY, first.etag)]) == [None]
    assert await store.write([Delete(KEY, second.etag)]) == [""]
    assert await store.write([Delete(KEY, second.etag)]) == [None]


@pytest.mark.parametrize("losers", [{0}, {119}, {5, 17}, {0, 1, 2, 3, 4, 50, 99, 100, 118}, set(range(120))])
async def test_a_lost_condition_never_hinders_the_others(store: StateStore, losers: set[int]) -> None:
    keys = [DocumentKey("test-binding", f"contact:{number:04}") for number in range(120)]
    await store.write([Put(keys[number], {"taken": True}) for number in sorted(losers)])
    results = await store.write([Insert(key, {"taken": False}) for key in keys])
    assert {number for number, etag in enumerate(results) if etag is None} == losers
    documents = {one.key: one for one in (await store.scan("test-binding")).documents}
    assert [documents[key].body["taken"] for key in keys] == [number in losers for number in range(120)]
    assert all(documents[key].etag == etag for key, etag in zip(keys, results, strict=True) if etag is not None)


async def test_every_kind_of_change_may_share_one_write(store: StateStore) -> None:
    keys = [DocumentKey("test-binding", f"row-{number}") for number in range(8)]
    stale = await written(store, *(Put(key, {"n": -1}) for key in keys[:6]))
    before = await written(store, *(Put(key, {"n": 0}) for key in keys[:6]))
    results = await store.write(
        [
            Insert(keys[0], {"n": 1}),
            Replace(keys[1], {"n": 1}, before[1].etag),
            Replace(keys[2], {"n": 1}, stale[2].etag),
            Put(keys[3], {"n": 1}),
            Delete(keys[4], before[4].etag),
            Delete(keys[5], stale[5].etag),
            Delete(keys[6]),
            Insert(keys[7], {"n": 1}),
        ]
    )
    assert [None if etag is None else bool(etag) for etag in results] == [
        None,
        True,
        None,
        True,
        False,
        None,
        False,
        True,
    ]
    documents = await store.read(keys)
    assert {key.row[-1]: document.body["n"] for key, document in documents.items()} == {
        "0": 0,
        "1": 1,
        "2": 0,
        "3": 1,
        "5": 0,
        "7": 1,
    }


async def test_a_key_that_occurs_twice_is_refused_before_anything_is_written(store: StateStore) -> None:
    with pytest.raises(ValueError, match="twice"):
        await store.write([Put(OTHER, {}), Put(KEY, {"n": 1}), Delete(KEY)])
    assert await store.read([OTHER, KEY]) == {}


async def test_of_many_inserts_of_one_key_at_once_exactly_one_is_written(open_store: OpenStore) -> None:
    rivals = [open_store() for _ in range(6)]
    results = await asyncio.gather(*(rival.write([Insert(KEY, {"by": n})]) for n, rival in enumerate(rivals)))
    [winner] = [number for number, [etag] in enumerate(results) if etag is not None]
    assert (await rivals[0].read([KEY]))[KEY].body == {"by": winner}


async def test_no_increment_of_several_workers_at_once_gets_lost(open_store: OpenStore) -> None:
    async def increment(store: StateStore, times: int) -> None:
        while times:
            document = (await store.read([KEY]))[KEY]
            [etag] = await store.write([Replace(KEY, {"n": document.body["n"] + 1}, document.etag)])
            times -= etag is not None

    stores = [open_store() for _ in range(3)]
    await stores[0].write([Put(KEY, {"n": 0})])
    await asyncio.gather(*(increment(store, 10) for store in stores))
    assert (await stores[0].read([KEY]))[KEY].body == {"n": 30}


async def test_another_process_sees_what_was_written(open_store: OpenStore) -> None:
    [document] = await written(open_store(), Put(KEY, {"n": 1}))
    assert await open_store().read([KEY]) == {KEY: document}


async def test_a_thousand_documents_come_back(store: StateStore) -> None:
    keys = [DocumentKey(f"partition-{number % 3}", f"row-{number}") for number in range(1000)]
    etags = await store.write([Put(key, {"n": number}) for number, key in enumerate(keys)])
    documents = await store.read(keys)
    assert [documents[key].body["n"] for key in keys] == list(range(1000))
    assert [documents[key].etag for key in keys] == etags


async def test_a_large_document_comes_back_whole(store: StateStore) -> None:
    bodies = {DocumentKey("runs", f"run-{size}"): {"text": "a€" * size} for size in (10, 4_000, 16_000, 50_000)}
    await store.write([Put(key, body) for key, body in bodies.items()])
    assert {key: document.body for key, document in (await store.read(list(bodies))).items()} == bodies


async def test_many_large_documents_are_written_in_one_call(store: StateStore) -> None:
    keys = [DocumentKey("runs", f"run-{number}") for number in range(40)]
    assert None not in await store.write([Put(key, {"text": "x" * 200_000}) for key in keys])
    assert len(await store.read(keys)) == len(keys)


@pytest.mark.parametrize("row", ["a\nb", "\0", "\x7f", "é"])
async def test_a_key_that_is_not_printable_ascii_is_refused(store: StateStore, row: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        await store.write([Put(DocumentKey("test-binding", row), {})])
    with pytest.raises(ValueError, match="printable"):
        await store.read([DocumentKey(row, "contact")])


async def test_any_printable_key_is_a_key_of_its_own(store: StateStore) -> None:
    keys = [DocumentKey(part, row) for part, row in zip(AWKWARD, reversed(AWKWARD), strict=True)]
    assert None not in await store.write([Insert(key, {"key": [key.partition, key.row]}) for key in keys])
    documents = await store.read(keys)
    assert all(documents[key].body == {"key": [key.partition, key.row]} for key in keys)


async def walked(store: StateStore, partition: str, *, prefix: str = "", limit: int) -> list[str]:
    rows: list[str] = []
    after = None
    while True:
        page = await store.scan(partition, prefix=prefix, after=after, limit=limit)
        assert len(page.documents) <= limit
        rows.extend(document.key.row for document in page.documents)
        if page.after is None:
            return rows
        after = page.after


async def test_a_scan_walks_one_partition_in_the_order_of_rows(store: StateStore) -> None:
    rows = sorted(AWKWARD)
    await store.write([Put(DocumentKey("here-contact", row), {"row": row}) for row in reversed(rows)])
    await store.write([Put(DocumentKey("there", "a"), {})])
    assert await walked(store, "here-contact", limit=7) == rows
    assert await walked(store, "here-contact", limit=1000) == rows
    assert await walked(store, "nowhere", limit=7) == []


@pytest.mark.parametrize("prefix", ["a", "a.", "a/", "~", " ", "b"])
async def test_a_scan_may_be_limited_to_a_prefix(store: StateStore, prefix: str) -> None:
    await store.write([Put(DocumentKey("here-contact", row), {}) for row in AWKWARD])
    expected = sorted(row for row in AWKWARD if row.startswith(prefix))
    assert await walked(store, "here-contact", prefix=prefix, limit=3) == expected


async def test_a_scan_returns_whole_documents(store: StateStore) -> None:
    documents = await written(store, Put(KEY, {"n": 1}), Put(OTHER, {"n": 2}))
    assert list((await store.scan("test-binding")).documents) == documents


async def test_ping_is_silent_where_the_store_works(store: StateStore) -> None:
    await store.ping()


async def test_ping_tells_that_the_file_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"this is no database, whatever its name says" * 100)
    store = SqliteStateStore(tmp_path / "state.db", clock=ManualClock())
    with pytest.raises(ConfigurationError):
        await store.ping()


# azure-data-tables 12.7 reads an answer in XML in a way that Python 3.12 warns about.
@pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")
async def test_ping_tells_that_the_key_is_wrong(azurite: str) -> None:
    store = TableStateStore.from_connection_string(azurite.replace("Eby8", "AAAA"), table="anything")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        with pytest.raises(ConfigurationError):
            await store.ping()


def test_a_malformed_connection_string_is_told_without_quoting_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        TableStateStore.from_connection_string("AccountKey=secret", table="anything")
    assert "secret" not in str(caught.value)
