"""The hooks of azd do with az what `python -m shared deploy` does."""

from __future__ import annotations

import json
import tomllib

import pytest

from tests.unit.deployment.app_stand_in import AppStandIn
from tests.unit.deployment.azd.azd_programs import AZD, PROJECT, Programs, after_deploy


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
