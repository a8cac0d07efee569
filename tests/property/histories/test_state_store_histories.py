"""Whatever is written to the embedded store, in whatever order: it behaves like a dict whose values have versions."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.adapters.storage.sqlite import SqliteStateStore
from shared.ports.state import Change, Delete, DocumentKey, Insert, Put, Replace
from tests.contract.clocks import ManualClock
from tests.examples import examples

PARTITIONS = ("bindings", "claims")
KEYS = [DocumentKey(partition, row) for partition in PARTITIONS for row in ("a", "a/", "a0", "b", "~", " ")]


@dataclass(frozen=True)
class Wish:
    """A change, before the versions are known that there are then; no version: whatever version there is."""

    key: DocumentKey
    change: Literal["insert", "replace", "put", "delete"]
    body: dict[str, int | str | None]
    version: int | None


_BODIES = st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(), max_size=2)
_CHANGES = st.sampled_from(["insert", "replace", "put", "delete"])
_WISHES = st.lists(
    st.builds(Wish, st.sampled_from(KEYS), _CHANGES, _BODIES, st.none() | st.integers(0, 11)),
    unique_by=lambda wish: wish.key,
    max_size=len(KEYS),
)


class StoreHistories(RuleBasedStateMachine):
    """Writes on every kind of condition, with versions of now, of earlier, and of other documents."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folders = [Path(tempfile.mkdtemp())]
        self.store = self.opened()
        self.model: dict[DocumentKey, tuple[object, str]] = {}
        self.versions = ["never"]

    def opened(self) -> SqliteStateStore:
        return SqliteStateStore(self.folders[-1] / "state.db", clock=ManualClock())

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()
        for folder in self.folders:
            shutil.rmtree(folder)

    def meant(self, wish: Wish) -> Change:
        """Return the change that somebody wishes, with a version of now, of earlier, or of another document."""
        present = self.model.get(wish.key)
        versions = [*self.versions[-6:], *([present[1]] * 6 if present else [])]
        etag = None if wish.version is None else versions[wish.version % len(versions)]
        match wish.change:
            case "insert":
                return Insert(wish.key, wish.body)
            case "replace":
                return Replace(wish.key, wish.body, etag or versions[-1])
            case "put":
                return Put(wish.key, wish.body)
            case "delete":
                return Delete(wish.key, etag)

    @rule(wishes=_WISHES)
    def write(self, wishes: list[Wish]) -> None:
        changes = [self.meant(wish) for wish in wishes]
        results = self.runner.run(self.store.write(changes))
        assert len(results) == len(changes)
        for change, result in zip(changes, results, strict=True):
            current = self.model.get(change.key, (None, None))[1]
            match change:
                case Insert():
                    holds = current is None
                case Put() | Delete(etag=None):
                    holds = True
                case Replace(etag=etag) | Delete(etag=etag):
                    holds = current == etag
            assert (result is not None) is holds
            if result is None:
                continue
            if isinstance(change, Delete):
                assert result == ""
                self.model.pop(change.key, None)
            else:
                assert result not in self.versions
                self.versions.append(result)
                self.model[change.key] = (change.body, result)

    @rule()
    def crash(self) -> None:
        """Go on with what a killed process leaves on its disk."""
        self.folders.append(Path(tempfile.mkdtemp()))
        shutil.copytree(self.folders[-2], self.folders[-1], dirs_exist_ok=True)
        self.runner.run(self.store.close())
        self.store = self.opened()

    @rule(partition=st.sampled_from(PARTITIONS), prefix=st.sampled_from(["", "a", "~", "x"]), limit=st.integers(1, 4))
    def scan(self, partition: str, prefix: str, limit: int) -> None:
        rows: list[str] = []
        after = None
        while True:
            page = self.runner.run(self.store.scan(partition, prefix=prefix, after=after, limit=limit))
            assert len(page.documents) <= limit
            rows.extend(document.key.row for document in page.documents)
            if (after := page.after) is None:
                break
        assert rows == sorted(
            key.row for key in self.model if key.partition == partition and key.row.startswith(prefix)
        )

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        documents = self.runner.run(self.store.read(KEYS))
        assert {key: (document.body, document.etag) for key, document in documents.items()} == self.model


TestStoreHistories = StoreHistories.TestCase
TestStoreHistories.settings = settings(max_examples=examples(20), stateful_step_count=25, deadline=None)
