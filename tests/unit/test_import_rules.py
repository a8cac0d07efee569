"""The arrows between the layers are kept by import-linter; this keeps import-linter honest."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "shared", tmp_path / "shared", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_layers_import_only_inwards(copy: Path) -> None:
    assert _lint_imports(copy).returncode == 0


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("shared/domain/planning/plan.py", "import httpx"),
        ("shared/domain/planning/plan.py", "import shared.ports"),
        ("shared/engine/sync_engine.py", "import shared.adapters.dataverse.web_api.client"),
        ("shared/adapters/spotler/contacts/client.py", "import shared.engine.sync_engine"),
        ("shared/domain/planning/plan.py", "import opentelemetry.trace"),
        ("shared/telemetry/calls.py", "import shared.engine.sync_engine"),
    ],
)
def test_an_arrow_outwards_is_found(copy: Path, module: str, forbidden: str) -> None:
    path = copy / module
    path.write_text(f"{path.read_text()}\n{forbidden}\n")

    assert _lint_imports(copy).returncode == 1
