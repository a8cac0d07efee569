"""An organisation in which the connector is installed, as a file that simulated organisations begin with.

`python -m shared install` makes it over a new organisation, once for each state of the product's files; it is kept in
`.local/tests/` for later sessions. `python -m tests.installed everything <file>` makes it
anew.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from shared.installation.components.kind import Kind
from shared.local.dataverse_sandbox.http.app import DataverseSandboxSettings
from shared.local.dataverse_sandbox.metadata import packaged
from shared.local.dataverse_sandbox.metadata.schema import Schema
from shared.local.dataverse_sandbox.rows.snapshot import read
from shared.local.sandbox.installing import install
from shared.local.sandbox.process import sandbox
from tests.programs.times import LONGEST_WAIT

ROOT = Path(__file__).resolve().parents[1]
_FOLDER = ROOT / ".local" / "tests"
_KEPT = 10


_PAGES = frozenset(
    {Kind.WEB_RESOURCE, Kind.VIEW, Kind.CHART, Kind.FORM, Kind.TAB, Kind.COMMAND, Kind.DASHBOARD, Kind.APP}
)
"""What users see."""


class Installed(StrEnum):
    """What is installed, and the options of the command for it."""

    EVERYTHING = "everything"
    WITHOUT_PAGES = "without-pages"

    @property
    def words(self) -> tuple[str, ...]:
        """The options of `python -m shared install`."""
        match self:
            case Installed.EVERYTHING:
                return ()
            case Installed.WITHOUT_PAGES:
                return ("--only", *(kind for kind in Kind if kind not in _PAGES))


@cache
def organisation(installed: Installed = Installed.EVERYTHING) -> Path:
    """Return the snapshot of an organisation in which the connector is installed."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    snapshot = _FOLDER / f"{installed}-{_state_of_the_product()}.json"
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes of pytest ask at the same time
        if not snapshot.exists():
            subprocess.run([sys.executable, "-m", "tests.installed", installed, str(snapshot)], cwd=ROOT, check=True)
            _forget_old_ones()
    return snapshot


def installed_settings(**settings: Any) -> DataverseSandboxSettings:
    """Return the settings of an organisation in which the connector is installed."""
    return DataverseSandboxSettings(**{"snapshot": organisation(), **settings})


def installed_schema() -> Schema:
    """Return the tables of such an organisation."""
    return packaged.load(snapshot=read(organisation()))


def _state_of_the_product() -> str:
    """Hash names, sizes and times of the files that decide what is installed, and how it is simulated."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        facts = path.stat()
        digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    yield Path(__file__)
    for folder, pattern in (("infra/dataverse", "*.*"), ("shared", "*.py"), ("shared", "*.json"), ("shared", "*.yaml")):
        yield from (ROOT / folder).rglob(pattern)


def _forget_old_ones() -> None:
    found = sorted(_FOLDER.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for old in found[:-_KEPT]:
        old.unlink(missing_ok=True)


async def make(installed: Installed, path: Path) -> None:
    """Start a bare sandbox, install in it by the command, and write what it has then."""
    with tempfile.TemporaryDirectory(prefix="installing-") as folder:
        environment = {"PATH": os.environ.get("PATH", ""), "LOCAL_FOLDER": folder}
        async with (
            sandbox("--bare", "--people", "0", environment=environment) as addresses,
            httpx.AsyncClient(timeout=LONGEST_WAIT) as http,
        ):
            await install(addresses, environment, *installed.words)
            answer = await http.get(f"{addresses.dataverse_url}/sandbox/snapshot")
    new = path.with_suffix(".new")
    new.write_text(json.dumps(answer.raise_for_status().json(), indent=1), encoding="utf-8")
    new.replace(path)


if __name__ == "__main__":
    asyncio.run(make(Installed(sys.argv[1]), Path(sys.argv[2])))
