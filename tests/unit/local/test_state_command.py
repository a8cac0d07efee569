"""A restored state writes nothing until the refusals since the backup were recovered and somebody goes live."""

from __future__ import annotations

import argparse
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from shared.adapters.storage.archive import export_state
from shared.adapters.storage.sqlite import SqliteStateStore
from shared.administration.mode import AwaitsRecoveryError, Mode, Modes, restored
from shared.composition import app
from shared.consent.refusal_recovery import Recovered
from shared.console.pages.mode import go_live
from shared.console.web import Redirect, RefusedError
from shared.dispatch.mode_changes import ModeChanges
from shared.errors import ConfigurationError
from shared.local.commands.provisioning import state_command
from shared.ports.state import DocumentKey, Insert
from tests.contract.clocks import ManualClock
from tests.twins import TwinStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.console.web import Visit


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteStateStore]:
    store = SqliteStateStore(folder / "state.db", clock=ManualClock())
    try:
        yield store
    finally:
        await store.close()


async def test_every_environment_of_a_backup_begins_in_shadow_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = tmp_path / "state.jsonl", tmp_path / "new"
    folder.mkdir()
    async with opened(tmp_path) as store:
        await store.write([Insert(DocumentKey("test-binding", "contact:1"), {"n": 1})])
        await Modes(store, ManualClock(), "test").change(Mode.LIVE, by="ann")
        await export_state(store, file)
    monkeypatch.setenv("LOCAL_FOLDER", str(folder))
    monkeypatch.setattr(state_command, "read_local_settings", lambda: None)

    assert await state_command.run(argparse.Namespace(action="import", file=file)) == 0

    async with opened(folder) as store:
        for environment in ("test", "default"):
            assert (await Modes(store, ManualClock(), environment).current()).awaits_recovery
    assert "state recover" in capsys.readouterr().out


@dataclass
class Running:
    """The app of a restored state, as far as the command and the page see it."""

    modes: Modes = field(default_factory=lambda: Modes(TwinStore(), ManualClock(), "test"))
    begun: int = 0

    async def restored(self) -> None:
        await self.modes.store.write([restored("test", self.modes.clock.now())])

    def services(self) -> Any:
        return SimpleNamespace(modes=self.modes, clock=ManualClock(), settings=SimpleNamespace(environment="test"))

    async def begin(self, **_: object) -> None:
        self.begun += 1

    async def go_live(self) -> object:
        visit = SimpleNamespace(given=lambda _: "test", user=SimpleNamespace(id="ann"))
        return await go_live(cast("Visit", visit))


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Running:
    made = Running()

    async def recover(_former: object) -> Recovered:
        return Recovered(columns=1, erased=2)

    async def nothing() -> None:
        return

    reconciliation, shadow = SimpleNamespace(begin=made.begin), SimpleNamespace(forget=nothing)
    changes = ModeChanges(made.modes, cast("Any", reconciliation), cast("Any", shadow), cast("Any", None))
    parts = {
        "services": made.services(),
        "administration": SimpleNamespace(mode_changes=changes, refusal_recovery=SimpleNamespace(recover=recover)),
    }
    for name, part in parts.items():

        async def answer(part: object = part) -> object:
            return part

        monkeypatch.setattr(app, name, answer)
    monkeypatch.setattr(state_command, "read_local_settings", lambda: None)
    return made


async def test_going_live_waits_for_the_recovery(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    await running.restored()

    with pytest.raises(RefusedError):
        await running.go_live()
    await running.modes.change(Mode.SHADOW, by="ann")
    with pytest.raises(AwaitsRecoveryError):
        await running.modes.change(Mode.ALLOW_LIST, by="ann")
    assert running.begun == 0

    assert await state_command.run(argparse.Namespace(action="recover", former=None)) == 0
    assert "1 of columns of records" in capsys.readouterr().out
    assert (await running.modes.current()).mode is Mode.SHADOW
    assert isinstance(await running.go_live(), Redirect)
    assert running.begun == 1


async def test_a_connector_that_writes_is_not_recovered(running: Running) -> None:
    await running.modes.change(Mode.LIVE, by="ann")

    with pytest.raises(ConfigurationError, match="recover before it writes"):
        await state_command.run(argparse.Namespace(action="recover", former=None))


async def test_the_former_state_is_another_table_in_azure(running: Running) -> None:
    await running.restored()

    with pytest.raises(ConfigurationError, match="another table"):
        await state_command.run(argparse.Namespace(action="recover", former="spotlerconnector"))
