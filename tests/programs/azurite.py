"""Azurite, Microsoft's own emulator of Azure Storage: the real REST API, without an account."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.programs.packages import NotInstallableError, npm_folder
from tests.programs.times import LONGEST_WAIT

VERSION = "3.35.0"

NOT_COVERED = "Azure Tables is NOT covered"
"""How a skipped test begins; `tests/conftest.py` repeats it where everybody sees it."""

# Azurite's well-known account; the key is public (https://github.com/Azure/Azurite#default-storage-account).
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@contextmanager
def running_azurite() -> Iterator[str]:
    """Run the table service on a free port, in memory; yields its connection string.

    Installs the npm package once per user. Without node the tests that need it are skipped, on a CI server they fail.
    """
    program = _installed()
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder, Path(folder, "azurite.log").open("wb") as log:
        options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry"]
        process = subprocess.Popen(
            [program, "--tablePort", str(port), *options], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(port, process, Path(folder, "azurite.log"))
            yield (
                f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};"
                f"TableEndpoint=http://127.0.0.1:{port}/{_ACCOUNT};"
            )
        finally:
            process.terminate()
            process.wait(timeout=10)


def _installed() -> str:
    try:
        folder = npm_folder("azurite", VERSION)
    except NotInstallableError as why:
        _unavailable(str(why))
    return str(folder / "node_modules" / ".bin" / "azurite-table")


def _unavailable(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{NOT_COVERED}: {why}")
    pytest.skip(f"{NOT_COVERED}: {why}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"Azurite did not start: {log.read_text()[-500:]}")
