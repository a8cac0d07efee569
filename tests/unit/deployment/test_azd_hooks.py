"""The hooks of azd do with az what `python -m shared deploy` does, whatever Azure does meanwhile."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.deployment.command_line.az import Az, AzAnswer
from shared.deployment.command_line.azure import Azure
from shared.local.commands.provisioning import deploy_command
from tests.programs import azure_stand_in
from tests.programs.azure_stand_in import AzureStandIn
from tests.unit.deployment.app_stand_in import AppStandIn, running_app

PROJECT = Path(__file__).parents[3]
AZD = yaml.safe_load((PROJECT / "azure.yaml").read_text())
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


def after_deploy(programs: Programs, app: AppStandIn) -> subprocess.CompletedProcess[str]:
    programs.begin_with(**{**programs.azure, "groups": ["a-group"]})
    return programs.hook("postdeploy", FUNCTION_APP_HOST=app.host, SSL_CERT_FILE=str(app.certificate))


def test_azd_finds_the_template_the_app_and_the_hooks() -> None:
    assert (PROJECT / AZD["infra"]["path"] / f"{AZD['infra']['module']}.bicep").is_file()
    assert AZD["services"].keys() == {"connector"}
    assert all((PROJECT / one["run"]).is_file() and one["kind"] == "python" for one in AZD["hooks"].values())


def test_the_key_of_the_fingerprints_is_made_before_provisioning(programs: Programs) -> None:
    ran = programs.hook("preprovision")

    assert ran.returncode == 0, ran.stderr
    told, settings = programs.told
    assert settings == "env set APP_SETTINGS {}"
    assert told.startswith("env set FINGERPRINT_KEY ")
    assert len(told.split()[-1]) >= 32
    assert told.split()[-1] not in ran.stdout


def test_after_provisioning_the_secrets_are_forgotten_and_the_dataverse_side_gets_its_values(
    programs: Programs,
) -> None:
    ran = programs.hook("postprovision")

    assert ran.returncode == 0, ran.stderr
    assert programs.told == [
        "env set FINGERPRINT_KEY ", "env set SPOTLER_KEY ", "env set SPOTLER_SECRET ", "env set APP_SETTINGS {}"
    ]  # fmt: skip
    assert "client-1" in ran.stdout


def test_without_rights_in_dataverse_the_hook_says_how_to_leave_that_side_out(programs: Programs) -> None:
    ran = programs.hook("postprovision", DEPLOY_WITHOUT="")

    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("error: The Dataverse side is not done")
    assert "DEPLOY_WITHOUT" in last


def test_after_the_code_the_app_is_connected_and_a_message_goes_through(programs: Programs, app: AppStandIn) -> None:
    ran = after_deploy(programs, app)

    assert ran.returncode == 0, ran.stderr
    assert "--only steps" in ran.stdout
    assert "The test message went through" in ran.stdout
    assert "function-key-1" not in ran.stdout


def test_an_app_that_is_not_well_fails_the_hook_with_the_cause(programs: Programs, app: AppStandIn) -> None:
    app.health = {"healthy": False, "cause": "SPOTLER_SECRET is missing"}

    ran = after_deploy(programs, app)

    assert ran.returncode == 1
    assert "SPOTLER_SECRET is missing" in ran.stderr


def test_a_reference_that_does_not_resolve_fails_the_hook(programs: Programs, app: AppStandIn) -> None:
    programs.begin_with(broken={"SPOTLER_KEY": "AccessToKeyVaultDenied"})

    assert "Key Vault Secrets User" in after_deploy(programs, app).stderr


@pytest.mark.parametrize(
    ("state", "cure"),
    [
        ({"signed_in": False}, "az login"),
        ({"not_actions": ["Microsoft.Authorization/*/write"]}, "Role Based Access Control Administrator"),
        ({"actions": ["*/read"]}, "ask for the role Contributor"),
        ({"regions": ["North Europe"]}, "choose --location from northeurope"),
        ({"registered": [], "not_actions": ["*/register/action"]}, "az provider register"),
    ],
    ids=["not-signed-in", "no-right-to-assign", "no-right-to-deploy", "no-region", "provider-missing"],
)
def test_what_a_person_must_do_is_one_sentence_and_stops_azd(
    programs: Programs, state: dict[str, Any], cure: str
) -> None:
    programs.begin_with(**state)

    ran = programs.hook("preprovision")

    assert ran.returncode == 1
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.count("\n") == 1
    assert cure in ran.stderr
    assert programs.told == []


def test_missing_providers_are_registered_by_those_who_may(programs: Programs) -> None:
    programs.begin_with(registered=[])

    assert programs.hook("preprovision").returncode == 0
    assert "Microsoft.App" in programs.azure["registered"]


@pytest.mark.parametrize(
    "error", ["(TooManyRequests) Retry-After: 7", "503 Service Unavailable", "(AnotherOperationInProgress)"]
)
def test_what_only_needs_time_gets_it(programs: Programs, error: str) -> None:
    programs.fails("provider list", error, times=3)

    ran = programs.hook("preprovision")

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("waiting") == 3


def test_a_right_that_is_not_in_force_yet_is_waited_for(programs: Programs, app: AppStandIn) -> None:
    programs.fails("functionapp keys list", "AuthorizationPermissionMismatch", times=4)

    assert after_deploy(programs, app).returncode == 0


def test_a_role_on_the_key_vault_that_comes_late_is_waited_for(programs: Programs, app: AppStandIn) -> None:
    programs.begin_with(broken={"SPOTLER_KEY": "AccessToKeyVaultDenied"}, late=3)

    ran = after_deploy(programs, app)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("waiting for the key vault references") == 3


def test_a_name_that_is_taken_is_told_with_its_cure(programs: Programs, app: AppStandIn) -> None:
    programs.fails("functionapp keys list", "(StorageAccountAlreadyTaken)")

    assert "choose another --environment" in after_deploy(programs, app).stderr


def test_a_former_provisioning_is_waited_for(programs: Programs) -> None:
    programs.begin_with(groups=["a-group"], busy=2)

    ran = programs.hook("preprovision")

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("A former run is still deploying") == 2


@pytest.mark.parametrize("call", [1, 4, 7])
def test_a_hook_that_is_killed_half_way_is_finished_by_the_next(programs: Programs, call: int) -> None:
    programs.begin_with(kills_at=call, registered=[])

    assert programs.hook("preprovision").returncode == -signal.SIGKILL
    assert programs.told == []
    assert programs.hook("preprovision").returncode == 0
    assert len(programs.told) == 2


def test_settings_that_a_bundle_brought_survive_azd(programs: Programs) -> None:
    programs.begin_with(groups=["a-group"])
    programs.provision()
    settings = {
        **programs.azure["settings"],
        "SYNC_TABLES": "contact",
        "MAPPING_NOTE": 'a "quote", ${NOTHING}',
        "TZ": "CET",
    }
    programs.begin_with(**{**programs.azure, "settings": settings})

    programs.provision()

    kept = programs.azure["settings"]
    assert (kept["SYNC_TABLES"], kept["MAPPING_NOTE"]) == ("contact", 'a "quote", ${NOTHING}')
    assert "TZ" not in kept
    assert programs.values["APP_SETTINGS"] == "{}"


def test_a_part_that_does_not_exist_is_named_with_those_that_do(programs: Programs) -> None:
    ran = programs.hook("preprovision", DEPLOY_WITHOUT="roles")

    assert ran.returncode == 1
    assert ran.stderr == "error: DEPLOY_WITHOUT is 'roles'; it must be one of dataverse\n"


@pytest.mark.parametrize("name", ["DATAVERSE_URL", "AZURE_LOCATION"])
def test_a_value_that_the_azd_environment_lacks_is_named_with_the_command_that_sets_it(
    programs: Programs, name: str
) -> None:
    ran = programs.hook("preprovision", **{name: ""})

    assert ran.returncode == 1
    assert ran.stderr.startswith(f"error: {name} is not set: azd env set {name} ")


def test_az_in_another_subscription_than_azd_stops_before_anything_is_changed(programs: Programs) -> None:
    programs.begin_with(registered=[])

    ran = programs.hook("preprovision", AZURE_SUBSCRIPTION_ID="sub-2")

    assert ran.returncode == 1
    assert "az account set --subscription sub-2" in ran.stderr
    assert programs.azure["registered"] == []


def test_alarms_reach_the_people_that_the_azd_environment_names() -> None:
    parameters = json.loads((PROJECT / "infra" / "main.parameters.json").read_text())["parameters"]

    assert parameters["alarmEmails"]["value"] == "${ALARM_EMAILS=[]}"


def test_azd_installs_for_the_hooks_what_the_commands_need() -> None:
    lines = (PROJECT / "infra" / "hooks" / "requirements.txt").read_text().splitlines()[1:]
    local = tomllib.loads((PROJECT / "pyproject.toml").read_text())["dependency-groups"]["local"]

    assert lines[0] == "-r ../../requirements.in"
    assert set(lines[1:]) <= set(local)
    assert {"pathspec", "lxml"} == {line.partition("~")[0] for line in lines[1:]}
