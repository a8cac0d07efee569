"""A folder with the stand-ins, and an app that answers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import azure_stand_in
from tests.unit.deployment.app_stand_in import AppStandIn, running_app
from tests.unit.deployment.azd.azd_programs import Programs


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    script = f'exec {sys.executable} -I -S {azure_stand_in.__file__} {tmp_path / "state.json"} "$@"'
    for name, line in (("az", script), ("azd", f'echo "$@" >>{tmp_path / "azd.txt"}')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    made = Programs(tmp_path)
    made.begin_with()
    return made


@pytest.fixture
def app(tmp_path: Path) -> Iterator[AppStandIn]:
    with running_app(tmp_path) as running:
        yield running
