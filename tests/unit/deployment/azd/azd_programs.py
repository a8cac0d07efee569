"""What the tests of the hooks share: stand-ins for az and azd, and the hooks as azd runs them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.deployment.command_line.az import Az, AzAnswer
from shared.deployment.command_line.azure import Azure
from shared.installation.yaml_files import read_yaml
from shared.local.commands.provisioning import deploy_command
from tests.programs.azure_stand_in import AzureStandIn
from tests.unit.deployment.app_stand_in import AppStandIn

PROJECT = Path(__file__).parents[4]
AZD = read_yaml(PROJECT / "azure.yaml")
NO_WAITING = Path(__file__).parent / "no_waiting"
OUTPUTS = {
    "FUNCTION_APP_NAME": "func-1", "FUNCTION_APP_HOST": "func-1.azurewebsites.net", "IDENTITY_CLIENT_ID": "client-1",
    "SERVICE_BUS_NAMESPACE": "sb-1", "DATAVERSE_QUEUE": "dataverse-events", "DATAVERSE_QUEUE_RULE": "dataverse",
    "KEY_VAULT_NAME": "kv-1", "STORAGE_ACCOUNT": "st1", "PACKAGE_CONTAINER": "app-package",
}  # fmt: skip


@dataclass
class Programs:
    """A folder with stand-ins for az and azd; azd writes down what it is told."""

    folder: Path

    @property
    def azure(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return state

    @property
    def told(self) -> list[str]:
        file = self.folder / "azd.txt"
        return file.read_text().splitlines() if file.exists() else []

    def begin_with(self, **state: Any) -> None:
        (self.folder / "state.json").write_text(json.dumps({**vars(AzureStandIn()), **state}))

    def fails(self, command: str, error: str, times: int = 1) -> None:
        self.begin_with(faults=[{"command": command, "error": error, "times": times, "acts": False}])

    def hook(self, name: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.folder}:{os.environ['PATH']}", "AZURE_ENV_NAME": "test", "AZURE_LOCATION": "westeurope",
            "AZURE_SUBSCRIPTION_ID": "sub-1", "AZURE_RESOURCE_GROUP": "a-group",
            "SPOTLER_KEY": "key-7", "SPOTLER_SECRET": "secret-8", "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
            "DEPLOY_WITHOUT": "dataverse", "PYTHONPATH": str(NO_WAITING), **OUTPUTS, **more,
        }  # fmt: skip
        script = PROJECT / AZD["hooks"][name]["run"]
        dies = bool(self.azure["kills_at"])
        if dies or name == "postdeploy":  # which reads another authority's certificate when it starts
            command = [sys.executable, str(script)]
            return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        return _run_here(script, environment, _Az(self.folder / "state.json"))

    @property
    def values(self) -> dict[str, str]:
        """What azd was told to remember, the last value of each name."""
        lines = [line.removeprefix("env set ").partition(" ") for line in self.told]
        return {name: value for name, _, value in lines}

    def provision(self) -> None:
        """Do what `azd provision` does: the hook, the template with the parameters of the file, the other hook."""
        assert self.hook("preprovision").returncode == 0
        environment = {"AZURE_ENV_NAME": "test", "AZURE_LOCATION": "westeurope", **self.values}
        parameters = json.loads((PROJECT / "infra" / "main.parameters.json").read_text())["parameters"]
        given = {name: {"value": _substituted(one["value"], environment)} for name, one in parameters.items()}
        given["appSettings"] = {"value": json.loads(given["appSettings"]["value"])}  # azd reads objects as JSON
        file = self.folder / "parameters.json"
        file.write_text(json.dumps({"parameters": {"plan": {"value": "flex"}, **given}}))
        azure = AzureStandIn(**self.azure)
        code, _, error = azure.answer(
            ["deployment", "group", "create", "--resource-group", "a-group", "--parameters", f"@{file}"]
        )
        assert code == 0, error
        self.begin_with(**vars(azure))
        assert self.hook("postprovision").returncode == 0


@dataclass
class _Az:
    """The same stand-in without a process for each call."""

    state: Path

    def run(self, *arguments: str) -> AzAnswer:
        azure = AzureStandIn(**json.loads(self.state.read_text()))
        answer = AzAnswer(*azure.answer(list(arguments)))
        self.state.write_text(json.dumps(vars(azure)))
        return answer


def _run_here(script: Path, environment: Mapping[str, str], az: Az) -> subprocess.CompletedProcess[str]:
    """Run a script as azd does, but in this process: a new one takes half a second to import the product."""
    out, errors = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
    ):
        for name in {*os.environ} - {*environment}:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(PROJECT)
        patch.syspath_prepend(str(script.parent))
        patch.setattr(deploy_command, "AzProgram", lambda: az)
        patch.setattr(deploy_command, "Azure", partial(Azure, wait=lambda _seconds: None))
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            code = end.code
        finally:
            sys.modules.pop("azd_environment", None)
    assert isinstance(code, int)
    return subprocess.CompletedProcess([str(script)], code, out.getvalue(), errors.getvalue())


def _substituted(text: str, environment: dict[str, str]) -> str:
    """Replace `${NAME}` and `${NAME=default}` as azd does: a default ends at the first brace."""
    return re.sub(r"\$\{(\w+)(?:=([^}]*))?\}", lambda one: environment.get(one[1]) or one[2] or "", text)


def after_deploy(programs: Programs, app: AppStandIn) -> subprocess.CompletedProcess[str]:
    programs.begin_with(**{**programs.azure, "groups": ["a-group"]})
    return programs.hook("postdeploy", FUNCTION_APP_HOST=app.host, SSL_CERT_FILE=str(app.certificate))
