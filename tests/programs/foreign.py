"""Clients of other people, installed once per user outside of the project and run as processes of their own.

Where they cannot be installed such tests are skipped with a warning that says why; with CI=true they fail.
"""

from __future__ import annotations

import json
import os
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.programs.packages import NotInstallableError, npm_folder, pypi_folder


def npm_package(name: str, version: str) -> Path:
    """Install a package of npm; returns the folder that has it in `node_modules`."""
    try:
        return npm_folder(name, version)
    except NotInstallableError as why:
        _unavailable(str(why))


def pypi_package(name: str, version: str) -> Path:
    """Install a package of PyPI with what it needs; returns the folder to put on the path."""
    try:
        return pypi_folder(name, version)
    except NotInstallableError as why:
        _unavailable(str(why))


def play(command: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Run a script that plays a client; returns the JSON object that it prints."""
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def _unavailable(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn(why, stacklevel=2)
    pytest.skip(why)
