"""One command creates and updates the Azure side."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from shared.deployment.command_line.az import AzProgram
from shared.deployment.command_line.azure import Azure
from shared.deployment.dataverse_side import Known
from shared.deployment.deploy import Deployer
from shared.deployment.request import PREMIUM_SETTINGS, TEMPLATE_SETTINGS, Account, Installation, Plan
from shared.deployment.web import HealthAnswer
from shared.errors import ConfigurationError
from shared.local.commands.provisioning import deploy_command
from tests.bicep.templates import parameters_of
from tests.programs import azure_stand_in
from tests.programs.azure_stand_in import Fault
from tests.unit.deployment.stage import CALLS, WELL, FakeDataverse, Stage
from tests.unit.infra.templates import MAIN, made, settings_of


def test_the_first_run_creates_everything(stage: Stage) -> None:
    stage.deploy()

    assert len(stage.azure.calls) == CALLS
    assert stage.azure.groups == ["a-group"]
    assert stage.azure.secrets.keys() == {"spotler-key", "spotler-secret", "fingerprint-key"}
    assert len(stage.azure.secrets["fingerprint-key"]) >= 32
    assert stage.azure.package.endswith("app.zip")
    assert stage.dataverse == FakeDataverse(
        done=["user client-1", "steps of the live mapping", "test change"],
    )


def test_the_next_run_changes_no_secret(stage: Stage) -> None:
    stage.deploy()
    before = dict(stage.azure.secrets)
    stage.request = replace(stage.request, spotler_key="", spotler_secret="")
    stage.deploy()

    assert stage.azure.secrets == before


def test_no_secret_is_an_argument_or_printed(stage: Stage) -> None:
    stage.deploy()
    everything = "\n".join([*stage.commands(), *stage.said])

    assert not [value for value in [*stage.azure.secrets.values(), "function-key-1"] if value in everything]
    assert set(stage.web.keys) == {"function-key-1"}


def test_settings_that_somebody_added_survive(stage: Stage) -> None:
    stage.deploy()
    stage.azure.settings |= {"SYNC_TABLES": "contact", "dataverse_url": "https://old.example"}
    stage.deploy()

    assert stage.azure.settings["SYNC_TABLES"] == "contact"
    assert "dataverse_url" not in stage.azure.settings


def test_settings_survive_a_run_that_failed_before(stage: Stage) -> None:
    stage.deploy()
    stage.azure.settings["SYNC_TABLES"] = "contact"
    assert stage.azure.deployment is not None
    stage.azure.deployment["properties"] = {"provisioningState": "Failed"}
    stage.deploy()

    assert stage.azure.settings["SYNC_TABLES"] == "contact"


def test_the_settings_that_are_not_handed_over_are_those_of_the_template() -> None:
    assert settings_of(made("bare")).keys() == TEMPLATE_SETTINGS


def test_without_secrets_of_spotler_the_first_run_says_which_are_missing(stage: Stage) -> None:
    stage.request = replace(stage.request, spotler_secret="")

    with pytest.raises(ConfigurationError, match="SPOTLER_SECRET must be in the environment"):
        stage.deploy()
    assert stage.count("deployment group create") == 0


def test_the_command_decides_every_parameter_of_the_template_but_sign_in(stage: Stage) -> None:
    given = stage.deployer.parameters(stage.request, Account("sub-1", "tenant-1", "person-1", "User"))

    assert given.keys() == {one.name for one in parameters_of(MAIN)} - {"signInClientId"}


def test_without_options_the_command_gives_the_defaults_of_the_template(stage: Stage) -> None:
    given = stage.deployer.parameters(stage.request, Account("sub-1", "tenant-1", "", "User"))
    computed = {"location", "deployerType", "signInClientId"}
    defaults = {one.name: one.default for one in parameters_of(MAIN) if not (one.is_secure or one.is_required)}

    for name in defaults.keys() - computed:
        assert json.dumps(given[name]).replace('"', "'") == defaults[name], name


def test_the_plan_tells_why_it_cannot_show_dataverse(stage: Stage) -> None:
    stage.dataverse = FakeDataverse(refusal="The Dataverse side is not planned: sign in")

    assert stage.deployer.plan(stage.request)[-1].endswith("The Dataverse side is not planned: sign in")


def test_the_plan_of_a_new_installation_changes_nothing(stage: Stage) -> None:
    stage.dataverse = FakeDataverse()
    stage.azure.registered.remove("Microsoft.App")

    lines = stage.deployer.plan(stage.request)

    assert lines[0] == "register Microsoft.App"
    assert "a-group" in lines[1]
    assert stage.azure.groups == []
    assert stage.azure.registered.count("Microsoft.App") == 0
    assert stage.dataverse.planned == [(stage.request.dataverse_url, Known())]


def test_the_plan_after_a_run_has_nothing_in_azure(stage: Stage) -> None:
    stage.deploy()

    assert stage.deployer.plan(stage.request) == ["Dataverse: change step one"]
    assert isinstance(stage.dataverse, FakeDataverse)
    [(url, known)] = stage.dataverse.planned
    assert url == stage.request.dataverse_url
    assert known == Known("made", "made", "the live mapping")


def test_an_app_that_never_answers_is_an_error_that_names_where_to_look(stage: Stage) -> None:
    stage.web.answers = [HealthAnswer(0)]

    with pytest.raises(ConfigurationError, match="log stream of func-1"):
        stage.deploy()


def test_an_app_with_sign_in_is_asked_with_a_token_of_whoever_deploys(stage: Stage) -> None:
    stage.azure.sign_in = "registration-1"
    stage.deploy()

    assert stage.web.tokens == {"token-1"}
    assert "token-1" not in "\n".join([*stage.commands(), *stage.said])


def test_without_a_token_for_an_app_with_sign_in_the_command_says_what_is_to_be_done(stage: Stage) -> None:
    stage.azure.sign_in = "registration-1"
    stage.azure.fails(Fault("account get-access-token", "AADSTS65001: consent required"))

    with pytest.raises(ConfigurationError, match=r"no token for api://registration-1: .* Sign-in in docs/howto/deploy"):
        stage.deploy()


def test_an_app_that_refuses_the_token_is_told_with_the_place_to_look(stage: Stage) -> None:
    stage.azure.sign_in = "registration-1"
    stage.web.answers = [HealthAnswer(401)]

    with pytest.raises(ConfigurationError, match="refuses your token: see Sign-in"):
        stage.deploy()


def test_what_azure_would_refuse_is_told_before_anything_is_made(stage: Stage) -> None:
    refusal = "(InvalidTemplateDeployment) SubscriptionIsOverQuotaForSku: This region has quota of 0 instances"
    stage.azure.fails(Fault("deployment group validate", refusal))

    with pytest.raises(ConfigurationError, match=r"nothing is changed yet.* a quota is used up: .* --location"):
        stage.deploy()
    assert stage.count("deployment group create") == 0


def test_an_app_that_answers_after_its_cold_start_is_waited_for(stage: Stage) -> None:
    stage.web.answers = [HealthAnswer(0), HealthAnswer(404), WELL]
    stage.deploy()

    assert len(stage.web.keys) == 3
    assert stage.waited == [10.0, 10.0]


def test_a_reference_that_does_not_resolve_stops_before_the_code(stage: Stage) -> None:
    stage.azure.broken = {"SPOTLER_SECRET": "AccessToKeyVaultDenied"}

    with pytest.raises(ConfigurationError, match=r"SPOTLER_SECRET does not resolve .* Key Vault Secrets User"):
        stage.deploy()
    assert stage.azure.package == ""


def test_a_time_zone_of_the_platform_that_somebody_set_is_not_handed_over(stage: Stage) -> None:
    stage.deploy()
    stage.azure.settings |= {"TZ": "Europe/Amsterdam", "SYNC_TABLES": "contact"}
    stage.deploy()

    assert "TZ" not in stage.azure.settings
    assert stage.azure.settings["SYNC_TABLES"] == "contact"


def test_the_program_az_is_called_as_a_process(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, program = tmp_path / "out" / "state.json", tmp_path / "out" / "bin" / "az"
    program.parent.mkdir(parents=True)
    state.write_text(json.dumps(vars(stage.azure)))
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {azure_stand_in.__file__} {state} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")

    Deployer(Azure(AzProgram(), stage.said.append), stage.web, stage.dataverse).deploy(
        stage.request, tmp_path / "out" / "a.zip"
    )

    assert json.loads(state.read_text())["package"].endswith("a.zip")


def test_without_az_the_command_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ConfigurationError, match="install-az"):
        AzProgram()


def test_premium_gets_its_packages_from_here_and_runs_from_a_blob(stage: Stage) -> None:
    stage.request = replace(stage.request, plan=Plan.PREMIUM, location="antarctica")
    stage.azure.settings["WEBSITE_RUN_FROM_PACKAGE"] = "https://st.blob.x/old.zip"
    stage.deploy()

    assert stage.azure.plan == "premium"
    assert stage.azure.package.endswith("app.zip")
    assert stage.count("functionapp deployment source config-zip") == 0
    order = [
        one
        for one in stage.commands()
        if one.startswith(("storage blob upload", "functionapp restart", "rest --method post"))
    ]
    assert [one.split()[0] for one in order] == ["storage", "functionapp", "rest"]
    assert "--container-name app-package --name connector.zip" in order[0]


def test_settings_of_the_plan_premium_never_follow_to_flex(stage: Stage) -> None:
    stage.deploy()
    stage.azure.settings |= dict.fromkeys(PREMIUM_SETTINGS, "of a former plan")
    stage.deploy()

    assert not PREMIUM_SETTINGS & stage.azure.settings.keys()
    assert settings_of(made("premium")).keys() == TEMPLATE_SETTINGS | PREMIUM_SETTINGS


def test_a_deployment_of_an_older_template_is_told_to_run_again(stage: Stage) -> None:
    stage.deploy()
    assert stage.azure.deployment is not None
    del stage.azure.deployment["properties"]["outputs"]["packagE_CONTAINER"]

    with pytest.raises(ConfigurationError, match="no output PACKAGE_CONTAINER"):
        Installation.of(stage.azure.deployment["properties"]["outputs"])


def test_the_command_plans_with_the_template_of_this_project(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state, program = tmp_path / "state.json", tmp_path / "az"
    state.write_text(json.dumps({**vars(stage.azure), "groups": ["a-group"]}))
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {azure_stand_in.__file__} {state} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("SPOTLER_KEY", "key-7")
    monkeypatch.setenv("SPOTLER_SECRET", "secret-8")
    parser = argparse.ArgumentParser()
    deploy_command.add_options(parser)
    options = parser.parse_args(
        ["--group", "a-group", "--dataverse-url", "https://x.example", "--plan", "--without", "dataverse"]
    )

    assert deploy_command.deploy(options) == 0
    [asked] = [call for call in json.loads(state.read_text())["calls"] if "what-if" in call]
    assert Path(asked[asked.index("--template-file") + 1]).is_file()
    assert "create" in capsys.readouterr().out
