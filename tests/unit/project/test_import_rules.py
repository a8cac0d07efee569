"""The arrows between the layers are kept by import-linter; this keeps import-linter honest."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


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


def test_the_packages_of_the_local_mode_may_import_no_room_of_the_product(copy: Path) -> None:
    contracts = tomllib.loads((copy / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [layers] = [one["layers"] for one in contracts if one["type"] == "layers"]
    rooms = {f"shared.{room.strip()}" for layer in layers for room in layer.split("|")} - {"shared.local"}
    [packages] = [one for one in contracts if "shared.local.functions_host" in one.get("source_modules", ())]

    assert rooms < set(packages["forbidden_modules"])


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("shared/domain/planning/plan.py", "import httpx"),
        ("shared/domain/planning/plan.py", "import shared.ports"),
        ("shared/engine/sync_engine.py", "import shared.adapters.dataverse.web_api.client"),
        ("shared/adapters/spotler/contacts/client.py", "import shared.engine.sync_engine"),
        ("shared/domain/planning/plan.py", "import opentelemetry.trace"),
        ("shared/telemetry/calls.py", "import shared.engine.sync_engine"),
        ("shared/local/functions_host/host.py", "import shared.errors"),
        ("shared/local/functions_host/host.py", "import shared.ports.clock"),
        ("shared/local/functions_host/host.py", "import shared.local.sandbox.serving"),
        ("shared/local/functions_host/host.py", "import shared.local.spotler_sandbox.http.app"),
        ("shared/local/dataverse_sandbox/http/app.py", "import shared.ports.queue"),
        ("shared/local/spotler_sandbox/http/app.py", "import shared.errors"),
    ],
)
def test_an_arrow_outwards_is_found(copy: Path, module: str, forbidden: str) -> None:
    path = copy / module
    path.write_text(f"{path.read_text()}\n{forbidden}\n")

    assert _lint_imports(copy).returncode == 1
