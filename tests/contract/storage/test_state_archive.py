"""A backup of the state store brings back every document, into SQLite and Azure Tables."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.adapters.storage import archive, tables
from shared.adapters.storage.archive import export_state, import_state
from shared.adapters.storage.sqlite import SqliteStateStore
from shared.adapters.storage.tables import TableStateStore
from shared.errors import ConfigurationError
from shared.ports.state import DocumentKey, Insert, Put, WholeStore
from tests.contract.clocks import ManualClock

LONG = "\u00e9" * 40_000
WRITTEN = {
    **{DocumentKey("test-binding", f"contact:{number:04}"): {"n": number} for number in range(110)},
    DocumentKey("test-poll", "contacts"): {"position": "2026-03-01T08:00:00Z", "none": None},
    DocumentKey("te/st #%", "a key ~ of ' every kind"): {"long": LONG},
}


@pytest.fixture(scope="module", autouse=True)
def _pages_and_batches_are_small() -> Iterator[None]:
    """Take fifty documents for a page and for a batch, so that a hundred are several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "_BATCH", 50)
        patch.setattr(tables, "_PAGE", 50)
        yield


@dataclass(frozen=True)
class Exported:
    """A store with documents was exported: how many, to which file; `opened` opens an empty store of that kind."""

    count: int
    file: Path
    opened: Callable[[], WholeStore]


@pytest.fixture(scope="module", params=["sqlite", "tables"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp(request.param)

    def opened() -> WholeStore:
        if request.param == "sqlite":
            return SqliteStateStore(folder / f"{uuid4().hex}.db", clock=ManualClock())
        azurite = request.getfixturevalue("azurite")
        return TableStateStore.from_connection_string(azurite, table=f"state{uuid4().hex[:12]}")

    async def export() -> int:
        full = opened()
        await full.write([Insert(key, body) for key, body in WRITTEN.items()])
        count = await export_state(full, folder / "state.jsonl")
        await full.close()
        return count

    return Exported(asyncio.run(export()), folder / "state.jsonl", opened)


@pytest_asyncio.fixture
async def empty(exported: Exported) -> AsyncIterator[WholeStore]:
    """An empty store of the same kind."""
    store = exported.opened()
    yield store
    await store.close()


async def contents(store: WholeStore) -> dict[DocumentKey, object]:
    return {one.key: one.body async for page in store.everything() for one in page}


def is_private(file: Path) -> bool:
    return stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_every_document_comes_back(exported: Exported, empty: WholeStore) -> None:
    assert exported.count == len(WRITTEN)
    assert await import_state(empty, exported.file) == len(WRITTEN)
    assert await contents(empty) == WRITTEN
    assert is_private(exported.file)


async def test_a_store_that_is_not_empty_is_left_as_it_is(exported: Exported, empty: WholeStore) -> None:
    other = empty
    await other.write([Put(DocumentKey("test-binding", "contact:0001"), {"n": -1})])

    with pytest.raises(ConfigurationError, match="STATE_TABLE"):
        await import_state(other, exported.file)
    assert await contents(other) == {DocumentKey("test-binding", "contact:0001"): {"n": -1}}


class Killed(BaseException):
    """The command ended here."""


async def test_an_import_that_was_killed_is_finished_by_the_next(
    exported: Exported, empty: WholeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = empty.write
    calls = 0

    async def breaking(changes: object) -> object:
        nonlocal calls
        calls += 1
        done = await whole(changes)  # type: ignore[arg-type]  # as given
        if calls == 2:
            raise Killed
        return done

    monkeypatch.setattr(empty, "write", breaking)
    with pytest.raises(Killed):
        await import_state(empty, exported.file)
    with pytest.raises(ConfigurationError, match="has not ended"):
        await export_state(empty, tmp_path / "other.jsonl")
    monkeypatch.undo()

    assert await import_state(empty, exported.file) == len(WRITTEN)
    assert await contents(empty) == WRITTEN


def cut_off(text: str) -> str:
    return "".join(text.splitlines(keepends=True)[:80])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (cut_off, "it ends after 79 documents"),
        (lambda text: cut_off(text) + '{"partition":', "line 81"),
        (lambda _: "name,address\n", "line 1"),
        (lambda _: "{}\n", "no export of a state store"),
        (lambda _: "", "no export of a state store"),
    ],
    ids=["cut-off", "cut-off-in-a-line", "a-table", "something-else", "empty"],
)
async def test_a_file_that_is_no_complete_export_is_refused_before_anything_is_written(
    exported: Exported, empty: WholeStore, tmp_path: Path, change: Callable[[str], str], told: str
) -> None:
    file = Path(shutil.copy(exported.file, tmp_path))
    rewrite(file, change)

    with pytest.raises(ConfigurationError, match=told):
        await import_state(empty, file)
    assert await contents(empty) == {}


def rewrite(file: Path, change: Callable[[str], str]) -> None:
    file.write_text(change(file.read_text()))
