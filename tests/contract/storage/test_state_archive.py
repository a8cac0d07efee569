"""A backup of the state store brings back every document, into SQLite and Azure Tables."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.adapters.storage.archive import export_state, import_state
from shared.adapters.storage.sqlite import SqliteStateStore
from shared.adapters.storage.tables import TableStateStore
from shared.errors import ConfigurationError
from shared.ports.state import DocumentKey, Insert, Put, WholeStore
from tests.contract.clocks import ManualClock

LONG = "\u00e9" * 40_000
WRITTEN = {
    **{DocumentKey("test-binding", f"contact:{number:04}"): {"n": number} for number in range(1100)},
    DocumentKey("test-poll", "contacts"): {"position": "2026-03-01T08:00:00Z", "none": None},
    DocumentKey("te/st #%", "a key ~ of ' every kind"): {"long": LONG},
}


def opened(kind: str, folder: Path, request: pytest.FixtureRequest) -> WholeStore:
    if kind == "sqlite":
        return SqliteStateStore(folder / f"{uuid4().hex}.db", clock=ManualClock())
    return TableStateStore.from_connection_string(request.getfixturevalue("azurite"), table=f"state{uuid4().hex[:12]}")


@pytest_asyncio.fixture(params=["sqlite", "tables"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[WholeStore, WholeStore]]:
    """A store with documents, and an empty one."""
    full, empty = (opened(request.param, tmp_path, request) for _ in range(2))
    await full.write([Insert(key, body) for key, body in WRITTEN.items()])
    yield full, empty
    await full.close()
    await empty.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.jsonl"


async def contents(store: WholeStore) -> dict[DocumentKey, object]:
    return {one.key: one.body async for page in store.everything() for one in page}


def is_private(file: Path) -> bool:
    return stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_every_document_comes_back(stores: tuple[WholeStore, WholeStore], file: Path) -> None:
    full, empty = stores

    assert await export_state(full, file) == len(WRITTEN)
    assert await import_state(empty, file) == len(WRITTEN)
    assert await contents(empty) == WRITTEN
    assert is_private(file)


async def test_a_store_that_is_not_empty_is_left_as_it_is(stores: tuple[WholeStore, WholeStore], file: Path) -> None:
    full, other = stores
    await export_state(full, file)
    await other.write([Put(DocumentKey("test-binding", "contact:0001"), {"n": -1})])

    with pytest.raises(ConfigurationError, match="STATE_TABLE"):
        await import_state(other, file)
    assert await contents(other) == {DocumentKey("test-binding", "contact:0001"): {"n": -1}}


class Killed(BaseException):
    """The command ended here."""


async def test_an_import_that_was_killed_is_finished_by_the_next(
    stores: tuple[WholeStore, WholeStore], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, empty = stores
    await export_state(full, file)
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
        await import_state(empty, file)
    with pytest.raises(ConfigurationError, match="has not ended"):
        await export_state(empty, file.with_name("other.jsonl"))
    monkeypatch.undo()

    assert await import_state(empty, file) == len(WRITTEN)
    assert await contents(empty) == WRITTEN


def cut_off(text: str) -> str:
    return "".join(text.splitlines(keepends=True)[:500])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (cut_off, "it ends after 499 documents"),
        (lambda text: cut_off(text) + '{"partition":', "line 501"),
        (lambda _: "name,address\n", "line 1"),
        (lambda _: "{}\n", "no export of a state store"),
        (lambda _: "", "no export of a state store"),
    ],
    ids=["cut-off", "cut-off-in-a-line", "a-table", "something-else", "empty"],
)
async def test_a_file_that_is_no_complete_export_is_refused_before_anything_is_written(
    stores: tuple[WholeStore, WholeStore], file: Path, change: Callable[[str], str], told: str
) -> None:
    full, empty = stores
    await export_state(full, file)
    rewrite(file, change)

    with pytest.raises(ConfigurationError, match=told):
        await import_state(empty, file)
    assert await contents(empty) == {}


def rewrite(file: Path, change: Callable[[str], str]) -> None:
    file.write_text(change(file.read_text()))
