"""`python -m shared rekey` over a real state store: what was refused under the former key stays refused."""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.storage.keys import rekey
from shared.composition import app
from shared.domain.consent.changes import OPT_OUT, ConsentSource
from shared.domain.consent.suppression import AddressRefusal
from shared.engine.refusals.suppression_list import SuppressionList
from shared.errors import ConfigurationError
from shared.local.commands import rekey_command

KEY, NEW = "bXk3nQ-9fLw2_TzP0vRa", "7Jd_kq0WmZ-x41LsYb8c"
ADDRESS = "noor@example.nl"


@pytest.fixture(autouse=True)
async def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Path]:
    settings = {
        "LOCAL_FOLDER": str(tmp_path),
        "DATAVERSE_URL": "https://org.crm4.dynamics.com",
        "SPOTLER_KEY": "key",
        "SPOTLER_SECRET": "secret",
        "STATE_STORAGE": "",
        "FINGERPRINT_KEY": "",
        "FINGERPRINT_KEY_PREVIOUS": "",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(rekey_command, "read_local_settings", lambda: None)
    monkeypatch.setattr(rekey, "_ALL_PROCESSES_KNOW", rekey.timedelta(0))
    await app.shut_down()
    yield tmp_path
    await app.shut_down()


async def refuse() -> None:
    services = await app.services()
    address = (await services.keys.fingerprinter()).address(ADDRESS)
    refusal = AddressRefusal(OPT_OUT, services.clock.now(), ConsentSource.PLATFORM_OPT_OUT)
    await SuppressionList(services.store, services.clock, "default").record({address: [refusal]})
    await app.shut_down()


async def is_refused() -> bool:
    services = await app.services()
    address = (await services.keys.fingerprinter()).address(ADDRESS)
    known = await SuppressionList(services.store, services.clock, "default").at([address])
    await app.shut_down()
    return known[address].has_opted_out


def rows(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "state.db")) as file, file:
        return [row for (row,) in file.execute("select row from documents where partition = 'default-suppressed'")]


async def test_a_key_of_the_settings_is_followed_by_another_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY", KEY)
    await refuse()
    monkeypatch.setenv("FINGERPRINT_KEY", NEW)
    monkeypatch.setenv("FINGERPRINT_KEY_PREVIOUS", KEY)
    assert await is_refused()
    assert await rekey_command.run(argparse.Namespace(new_key=False)) == 0
    assert "FINGERPRINT_KEY_PREVIOUS may be removed" in capsys.readouterr().out
    monkeypatch.setenv("FINGERPRINT_KEY_PREVIOUS", "")
    assert await is_refused()
    assert [row[:2] for row in rows(folder)] == ["2."]


async def test_the_key_of_the_embedded_store_is_made_anew(folder: Path) -> None:
    await refuse()
    before = (folder / "fingerprint.key").read_text()
    assert await rekey_command.run(argparse.Namespace(new_key=True)) == 0
    assert (folder / "fingerprint.key").read_text() != before
    assert not (folder / "fingerprint-previous.key").exists(), "the former key is gone"
    assert await is_refused()
    assert [row[:2] for row in rows(folder)] == ["2."]


async def test_without_a_change_there_is_nothing_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await refuse()
    assert await rekey_command.run(argparse.Namespace(new_key=False)) == 0
    assert "0 documents" in capsys.readouterr().out
    assert len(rows(folder)[0]) == 20


async def test_a_new_key_beside_a_configured_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY", KEY)
    with pytest.raises(ConfigurationError, match="FINGERPRINT_KEY_PREVIOUS"):
        await rekey_command.run(argparse.Namespace(new_key=True))


async def test_another_key_alone_stops_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY", KEY)
    await refuse()
    monkeypatch.setenv("FINGERPRINT_KEY", NEW)
    with pytest.raises(ConfigurationError, match="not the key that this state store knows"):
        await app.connector()
