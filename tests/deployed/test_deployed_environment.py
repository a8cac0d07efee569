"""The environment of a deployment has the packages of the lock and nothing else; `make deployed` runs this alone."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

PROJECT = Path(__file__).parents[2]
TOOLS = ["starlette", "uvicorn", "croniter", "hypothesis", "xdist", "uv", "cyclonedx", "mypy", "pip_audit"]


def test_nothing_is_installed_that_azure_does_not_install() -> None:
    assert [name for name in TOOLS if find_spec(name)] == []
    assert not (PROJECT / "shared" / "local").exists()


def test_every_package_of_the_lock_has_its_locked_version() -> None:
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", (PROJECT / "requirements.txt").read_text(), re.MULTILINE):
        pins.setdefault(name, set()).add(version)
    installed = {re.sub(r"[-_.]+", "-", one.name).lower(): one.version for one in distributions()}

    assert pins.keys() <= installed.keys()
    assert {name: version for name, version in installed.items() if version not in pins.get(name, {version})} == {}
