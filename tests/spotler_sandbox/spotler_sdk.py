"""`spotler-sdk`, a client of Spotler Mail+ on PyPI by another author."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

VERSION = "0.3.2"
REQUIREMENTS = (f"spotler-sdk=={VERSION}", "loguru==0.7.3")
"""The client, and its requirements that the project does not install itself (requests-oauthlib, pydantic are there)."""

NOT_COVERED = "The Spotler sandbox against a client of others is NOT covered"
"""How a skipped test begins; `tests/conftest.py` repeats it in the summary."""


def installed_spotler_sdk() -> Path:
    """Install the client once per user, outside the project's environment; the folder to import it from.

    Its package asks for Python 3.12, its code runs on 3.11. Without PyPI the test is skipped, on a CI server it fails.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "spotler-connector" / f"spotler-sdk-{VERSION}"
    if (folder / "spotler_sdk" / "sdk.py").exists() and (folder / "loguru").exists():
        return folder
    options = ["--no-deps", "--ignore-requires-python", "--disable-pip-version-check", "--quiet"]
    install = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), *REQUIREMENTS],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if install.returncode != 0:
        _unavailable(f"pip could not install spotler-sdk: {install.stderr.strip()[-500:]}")
    return folder


def _unavailable(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{NOT_COVERED}: {why}")
    pytest.skip(f"{NOT_COVERED}: {why}")
