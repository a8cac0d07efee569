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


ARROWS_OUTWARDS = [
    ("shared.domain.planning.plan", "httpx"),
    ("shared.domain.planning.plan", "shared.ports"),
    ("shared.engine.sync_engine", "shared.adapters.dataverse.web_api.client"),
    ("shared.adapters.spotler.contacts.client", "shared.engine.sync_engine"),
    ("shared.domain.planning.plan", "opentelemetry.trace"),
    ("shared.telemetry.calls", "shared.engine.sync_engine"),
    ("shared.local.functions_host.host", "shared.errors"),
    ("shared.local.functions_host.host", "shared.ports.clock"),
    ("shared.local.functions_host.host", "shared.local.sandbox.serving"),
    ("shared.local.functions_host.host", "shared.local.spotler_sandbox.http.app"),
    ("shared.local.dataverse_sandbox.http.app", "shared.ports.queue"),
    ("shared.local.spotler_sandbox.http.app", "shared.errors"),
]


def test_every_arrow_outwards_is_found(copy: Path) -> None:
    for module, forbidden in ARROWS_OUTWARDS:
        with (copy / f"{module.replace('.', '/')}.py").open("a") as file:
            file.write(f"\nimport {forbidden}\n")

    found = _lint_imports(copy)

    assert found.returncode == 1
    told = " ".join(found.stdout.split())
    roots = {name: name.partition(".")[0] if not name.startswith("shared") else name for _, name in ARROWS_OUTWARDS}
    assert [one for one in ARROWS_OUTWARDS if f"{one[0]} -> {roots[one[1]]} (l." not in told] == []
