"""The stage on which the tests of the deployment play."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.deployment.stage import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return staged(tmp_path)
