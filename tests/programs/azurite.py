"""Azurite, Microsoft's own emulator of Azure Storage: the real REST API, without an account."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "spotler-connector" / f"azurite-{VERSION}"
    program = folder / "node_modules" / ".bin" / "azurite-table"
    if program.exists():
        return str(program)
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _unavailable("node and npm are not installed")
    install = subprocess.run(
        [npm, "install", "--no-fund", "--no-audit", "--prefix", str(folder), f"azurite@{VERSION}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if install.returncode != 0:
        _unavailable(f"npm could not install Azurite: {install.stderr.strip()[-500:]}")
    return str(program)


def _unavailable(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{NOT_COVERED}: {why}")
    pytest.skip(f"{NOT_COVERED}: {why}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"Azurite did not start: {log.read_text()[-500:]}")
