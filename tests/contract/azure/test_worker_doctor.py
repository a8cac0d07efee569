"""`azure-functions-doctor` finds nothing wrong with what is deployed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.deployment.package import deployed_files

PROJECT = Path(__file__).parents[3]
# It looks at `def` only and so overlooks an app whose functions are all `async def`.
BLIND_TO_ASYNC = "check_programming_model_v2"
# It warns of every package with compiled parts, and the lock names them all; `make lock` has looked for their wheels.
WARNS_OF_WHEELS = "check_native_dependency_risk"
# It reads the template as text: the runtime that it finds is that of the premium plan.
BLIND_TO_CONDITIONS = "check_flex_runtime_config"
NOT_FINDINGS = {BLIND_TO_ASYNC, WARNS_OF_WHEELS, BLIND_TO_CONDITIONS}
DOCTOR = Path(sys.executable).with_name("azure-functions-doctor")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what a deployment holds, with the places where the doctor looks up settings."""
    folder = tmp_path_factory.mktemp("deployment")
    infra = (path.relative_to(PROJECT).as_posix() for path in (PROJECT / "infra").rglob("*") if path.is_file())
    for name in (*map(str, deployed_files(PROJECT)), *infra):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    shutil.copy(PROJECT / "local.settings.sample.json", folder / "local.settings.json")
    return folder


@pytest.mark.slow  # it takes ten seconds to read a dozen files
def test_the_doctor_finds_nothing_on_the_deployment(deployment: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"

    subprocess.run(
        [
            *(DOCTOR, "doctor", "--path", deployment, "--target-python", "3.13", "--hosting-plan", "flex-consumption"),
            *("--profile", "deploy", "--format", "json", "--output", report),
        ],
        check=False,
        capture_output=True,
    )

    items = [item for section in json.loads(report.read_text())["results"] for item in section["items"]]
    assert any(item["status"] == "pass" for item in items)
    findings = [item for item in items if item["status"] in ("fail", "warn") and item["rule_id"] not in NOT_FINDINGS]
    assert [f"{item['rule_id']}: {item['value']}" for item in findings] == []
