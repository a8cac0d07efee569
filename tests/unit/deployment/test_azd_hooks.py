"""The hooks of azd do with az what `python -m shared deploy` does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import azure_stand_in
from tests.azure_stand_in import AzureStandIn

PROJECT = Path(__file__).parents[3]
AZD = yaml.safe_load((PROJECT / "azure.yaml").read_text())


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with stand-ins for az and azd; azd writes down what it is told."""
    state = tmp_path / "state.json"
    state.write_text(json.dumps(vars(AzureStandIn())))
    script = f'exec {sys.executable} -I -S {azure_stand_in.__file__} {state} "$@"'
    for name, line in (("az", script), ("azd", f'echo "$@" >>{tmp_path / "azd.txt"}')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def hook(name: str, programs: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}", "AZURE_ENV_NAME": "test", "AZURE_LOCATION": "westeurope",
        "AZURE_RESOURCE_GROUP": "a-group", "SPOTLER_KEY": "key-7", "SPOTLER_SECRET": "secret-8", **more,
    }  # fmt: skip
    command = [sys.executable, str(PROJECT / AZD["hooks"][name]["run"])]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


def test_azd_finds_the_template_the_app_and_the_hooks() -> None:
    assert (PROJECT / AZD["infra"]["path"] / f"{AZD['infra']['module']}.bicep").is_file()
    assert AZD["services"].keys() == {"connector"}
    assert all((PROJECT / one["run"]).is_file() and one["kind"] == "python" for one in AZD["hooks"].values())


def test_the_key_of_the_fingerprints_is_made_before_provisioning(programs: Path) -> None:
    ran = hook("preprovision", programs)

    assert ran.returncode == 0, ran.stderr
    [told] = (programs / "azd.txt").read_text().splitlines()
    assert told.startswith("env set FINGERPRINT_KEY ")
    assert len(told.split()[-1]) >= 32
    assert told.split()[-1] not in ran.stdout


def test_a_failed_check_is_one_sentence_and_stops_azd(programs: Path) -> None:
    state = json.loads((programs / "state.json").read_text())
    (programs / "state.json").write_text(json.dumps({**state, "regions": ["North Europe"]}))
    ran = hook("preprovision", programs)

    assert ran.returncode == 1
    assert ran.stderr == "error: westeurope does not offer Flex Consumption: choose --location from northeurope\n"


def test_after_provisioning_the_key_is_forgotten_and_the_dataverse_side_gets_its_values(programs: Path) -> None:
    outputs = {
        "FUNCTION_APP_NAME": "func-1", "FUNCTION_APP_HOST": "func-1.azurewebsites.net",
        "IDENTITY_CLIENT_ID": "client-1",
        "SERVICE_BUS_NAMESPACE": "sb-1", "DATAVERSE_QUEUE": "dataverse-events", "KEY_VAULT_NAME": "kv-1",
    }  # fmt: skip
    ran = hook("postprovision", programs, **outputs)

    assert ran.returncode == 0, ran.stderr
    assert (programs / "azd.txt").read_text().strip() == "env set FINGERPRINT_KEY"
    assert "client-1" in ran.stdout
