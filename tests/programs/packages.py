"""Installs programs of other makers once per user, outside of the project, from npm and PyPI."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class NotInstallableError(Exception):
    """A package cannot be installed here; the text says why."""


def npm_folder(name: str, version: str) -> Path:
    """Return the folder that has a package of npm in `node_modules`; NotInstallableError."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NotInstallableError(f"{name}: node and npm are not installed")
    return _installed(name, version, [npm, "install", "--no-fund", "--no-audit", "--prefix"], f"{name}@{version}")


def pypi_folder(name: str, version: str) -> Path:
    """Return the folder that has a package of PyPI, with what it needs, to be put on the path; NotInstallableError."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
    return _installed(name, version, pip, f"{name}=={version}")


def _installed(name: str, version: str, command: Sequence[str], package: str) -> Path:
    """Install beside the final folder, and move it there: no test sees a half of it, though several want it at once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spotler-connector"
    folder, part = cache / f"{name}-{version}", cache / f"{name}-{version}.part"
    done = folder / ".installed"
    if done.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}-{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return folder
        for former in (folder, part):
            shutil.rmtree(former, ignore_errors=True)
        part.mkdir()
        install = subprocess.run(
            [*command, str(part), package], capture_output=True, text=True, check=False, timeout=300
        )
        if install.returncode != 0:
            raise NotInstallableError(f"{name} could not be installed: {install.stderr.strip()[-500:]}")
        (part / ".installed").touch()
        part.rename(folder)
    return folder
