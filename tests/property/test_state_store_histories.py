"""Whatever is written to the embedded store, in whatever order: it behaves like a dict whose values have versions."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.adapters.storage.sqlite import SqliteStateStore
from shared.ports.state import Change, Delete, DocumentKey, Insert, Put, Replace
from tests.contract.clocks import ManualClock

PARTITIONS = ("bindings", "claims")
KEYS = [DocumentKey(partition, row) for partition in PARTITIONS for row in ("a", "a/", "a0", "b", "~", " ")]


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

    def changes(self) -> st.SearchStrategy[list[Change]]:
        bodies = st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(), max_size=2)

        def change(key: DocumentKey) -> st.SearchStrategy[Change]:
            present = self.model.get(key)
            etags = st.sampled_from([*self.versions[-6:], *([present[1]] * 6 if present else [])])
            return st.one_of(
                st.builds(Insert, st.just(key), bodies),
                st.builds(Replace, st.just(key), bodies, etags),
                st.builds(Put, st.just(key), bodies),
                st.builds(Delete, st.just(key), st.none() | etags),
            )

        keys = st.lists(st.sampled_from(KEYS), unique=True, max_size=len(KEYS))
        return keys.flatmap(lambda chosen: st.tuples(*map(change, chosen)).map(list))

    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        changes = data.draw(self.changes())
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
TestStoreHistories.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
