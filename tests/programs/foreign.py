"""Clients of other people, installed once per user outside of the project and run as processes of their own.

Where they cannot be installed such tests are skipped with a warning that says why; with CI=true they fail.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest


def npm_package(name: str, version: str) -> Path:
    """Install a package of npm; returns the folder that has it in `node_modules`."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _unavailable(f"{name}: node and npm are not installed")
    folder = _cache(name, version)
    _install([npm, "install", "--no-fund", "--no-audit", "--prefix", str(folder), f"{name}@{version}"], folder, name)
    return folder


def pypi_package(name: str, version: str) -> Path:
    """Install a package of PyPI with what it needs; returns the folder to put on the path."""
    folder = _cache(name, version)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _install([*pip, "--target", str(folder), f"{name}=={version}"], folder, name)
    return folder


def play(command: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Run a script that plays a client; returns the JSON object that it prints."""
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def _cache(name: str, version: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "spotler-connector" / f"{name}-{version}"


def _install(command: list[str], folder: Path, name: str) -> None:
    done = folder / ".installed"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    install = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if install.returncode != 0:
        _unavailable(f"{name} could not be installed: {install.stderr.strip()[-500:]}")
    done.touch()


def _unavailable(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn(why, stacklevel=2)
    pytest.skip(why)
