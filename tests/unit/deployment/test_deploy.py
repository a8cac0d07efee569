"""One command creates and updates the Azure side, whatever Azure does meanwhile."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from shared.deployment.az import AzAnswer, AzProgram
from shared.deployment.azure import Azure
from shared.deployment.dataverse_side import ByHand
from shared.deployment.deploy import Deployer
from shared.deployment.request import TEMPLATE_SETTINGS, DeploymentRequest
from shared.deployment.running import HealthAnswer
from shared.errors import ConfigurationError
from tests import azure_stand_in
from tests.azure_stand_in import AzureStandIn, Fault
from tests.unit.infra.templates import made, settings_of

WELL = HealthAnswer(200)
CALLS = 14
"""How often a first run calls az."""


@dataclass
class InProcess:
    """The port to a stand-in without a process."""

    azure: AzureStandIn

    def run(self, *arguments: str) -> AzAnswer:
        return AzAnswer(*self.azure.answer(list(arguments)))


@dataclass
class FakeWeb:
    answers: list[HealthAnswer]
    keys: list[str] = field(default_factory=list)

    def health(self, host: str, key: str) -> HealthAnswer:
        assert host == "func-1.azurewebsites.net"
        self.keys.append(key)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class Stage:
    """A subscription, a small project, and somebody who deploys it."""

    azure: AzureStandIn
    request: DeploymentRequest
    web: FakeWeb
    said: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    @property
    def deployer(self) -> Deployer:
        return Deployer(Azure(InProcess(self.azure), self.said.append, self.waited.append), self.web, ByHand())

    def deploy(self) -> None:
        self.deployer.deploy(self.request, self.request.root / "out" / "app.zip")

    def commands(self) -> list[str]:
        return [" ".join(call) for call in self.azure.calls]

    def count(self, command: str) -> int:
        return sum(one.startswith(command) for one in self.commands())


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    (tmp_path / ".funcignore").write_text("out\n.funcignore\n")
    for name in ("function_app.py", "host.json", "requirements.txt"):
        (tmp_path / name).write_text("")
    request = DeploymentRequest(
        tmp_path, "a-group", "test", "westeurope", "https://contoso.crm4.dynamics.com", "key-7", "secret-8"
    )
    return Stage(AzureStandIn(), request, FakeWeb([WELL]))


def test_the_first_run_creates_everything(stage: Stage) -> None:
    stage.deploy()

    assert len(stage.azure.calls) == CALLS
    assert stage.azure.groups == ["a-group"]
    assert stage.azure.secrets.keys() == {"spotler-key", "spotler-secret", "fingerprint-key"}
    assert len(stage.azure.secrets["fingerprint-key"]) >= 32
    assert stage.azure.package.endswith("app.zip")
    assert any("client-1" in text and "dataverse-events" in text for text in stage.said)


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
    assert stage.web.keys == ["function-key-1"]


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


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Fault("functionapp deployment source", "InaccessibleStorageException: 403", times=5), 20),
        (Fault("functionapp deployment source", "Status Code: 503 Service Unavailable", times=2), 20),
        (Fault("deployment group create", "(TooManyRequests) Retry-After: 7", times=2), 7),
        (Fault("deployment group create", "(PrincipalNotFound) Principal does not exist", times=1), 20),
    ],
    ids=lambda value: value.error[:28] if isinstance(value, Fault) else None,
)
def test_what_only_needs_time_gets_it(stage: Stage, fault: Fault, seconds: float) -> None:
    times = fault.times
    stage.azure.fails(fault)
    stage.deploy()

    assert stage.waited == [seconds] * times
    assert stage.azure.package


def test_waiting_ends(stage: Stage) -> None:
    stage.azure.fails(Fault("functionapp deployment source", "InaccessibleStorageException", times=10_000))

    with pytest.raises(ConfigurationError, match="publishing the code failed, a new role is not in force yet"):
        stage.deploy()
    assert 900 <= sum(stage.waited) < 1000


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        ("(StorageAccountAlreadyTaken) The storage account is taken", "choose another --environment"),
        ("(ConflictError) A vault with the same name exists in deleted state", "az keyvault recover"),
        ("(MissingSubscriptionRegistration) not registered to use namespace", "az provider register"),
        (
            "(AuthorizationFailed) no authorization for 'Microsoft.Authorization/roleAssignments/write'",
            "--without-roles",
        ),
        ("(LocationNotAvailableForResourceType)", "choose another --location"),
        ("(RequestDisallowedByPolicy) by policy", "ask those who keep the policy"),
        ("(SubscriptionIsOverQuotaForSku)", "Quotas"),
        ("(DeploymentActive) The deployment is still active", "wait until it ends"),
        ("(SomethingNew) with its own words", "with its own words"),
    ],
)
def test_what_needs_a_person_is_said_with_its_cure(stage: Stage, error: str, cure: str) -> None:
    stage.azure.fails(Fault("deployment group create", error))

    with pytest.raises(ConfigurationError, match=cure):
        stage.deploy()
    assert stage.waited == []


def test_without_sign_in_nothing_is_begun(stage: Stage) -> None:
    stage.azure.signed_in = False

    with pytest.raises(ConfigurationError, match="az login"):
        stage.deploy()


@pytest.mark.parametrize(
    ("actions", "not_actions", "cure"),
    [
        (["*/read"], [], "ask for the role Contributor"),
        (["*"], ["Microsoft.Authorization/*/write"], "Role Based Access Control Administrator"),
    ],
)
def test_missing_rights_are_found_before_anything_is_changed(
    stage: Stage, actions: list[str], not_actions: list[str], cure: str
) -> None:
    stage.azure.actions, stage.azure.not_actions = actions, not_actions

    with pytest.raises(ConfigurationError, match=cure):
        stage.deploy()
    assert stage.azure.groups == []


def test_without_the_right_to_assign_roles_an_administrator_may_do_that(stage: Stage) -> None:
    stage.azure.not_actions = ["Microsoft.Authorization/*/write"]
    stage.request = replace(stage.request, assign_roles=False)
    stage.deploy()

    assert stage.azure.package


def test_missing_providers_are_registered_and_waited_for(stage: Stage) -> None:
    stage.azure.registered.remove("Microsoft.App")
    stage.deploy()

    assert "provider register --namespace Microsoft.App --wait" in stage.commands()
    assert stage.count("provider register") == 1


def test_providers_that_one_may_not_register_are_named_for_an_owner(stage: Stage) -> None:
    stage.azure.registered.remove("Microsoft.App")
    stage.azure.not_actions = ["*/register/action"]

    with pytest.raises(ConfigurationError, match=r"az provider register --namespace Microsoft\.App"):
        stage.deploy()


def test_a_region_without_flex_is_refused_with_those_that_have_it(stage: Stage) -> None:
    stage.request = replace(stage.request, location="antarctica")

    with pytest.raises(ConfigurationError, match="northeurope, westeurope"):
        stage.deploy()


def test_without_secrets_of_spotler_the_first_run_says_which_are_missing(stage: Stage) -> None:
    stage.request = replace(stage.request, spotler_secret="")

    with pytest.raises(ConfigurationError, match="SPOTLER_SECRET must be in the environment"):
        stage.deploy()
    assert stage.count("deployment group create") == 0


@pytest.mark.parametrize("acts", [True, False], ids=["after-the-effect", "before-the-effect"])
@pytest.mark.parametrize("call", range(CALLS))
def test_a_run_that_breaks_off_at_any_call_is_finished_by_the_next(stage: Stage, call: int, acts: bool) -> None:  # noqa: FBT001
    breaks = BreakingOff(stage.azure, call, acts=acts)
    azure = Azure(breaks, stage.said.append, stage.waited.append)
    with pytest.raises(Killed):
        Deployer(azure, stage.web, ByHand()).deploy(stage.request, stage.request.root / "out" / "app.zip")
    key = stage.azure.secrets.get("fingerprint-key")
    stage.deploy()

    assert stage.azure.package
    assert key in {None, stage.azure.secrets["fingerprint-key"]}


class Killed(BaseException):
    """The command ended here."""


@dataclass
class BreakingOff:
    azure: AzureStandIn
    call: int
    acts: bool

    def run(self, *arguments: str) -> AzAnswer:
        self.call -= 1
        if self.call < 0 and not self.acts:
            raise Killed
        answer = AzAnswer(*self.azure.answer(list(arguments)))
        if self.call < 0:
            raise Killed
        return answer


def test_a_former_run_that_azure_still_works_at_is_waited_for_so_that_its_fingerprint_key_stays(stage: Stage) -> None:
    stage.azure.groups.append("a-group")
    stage.azure.busy = 3
    stage.deploy()

    assert stage.waited[:3] == [30.0] * 3


def test_the_plan_of_a_new_installation_changes_nothing(stage: Stage) -> None:
    stage.azure.registered.remove("Microsoft.App")

    lines = stage.deployer.plan(stage.request)

    assert lines[0] == "register Microsoft.App"
    assert "a-group" in lines[1]
    assert stage.azure.groups == []
    assert stage.azure.registered.count("Microsoft.App") == 0


def test_the_plan_after_a_run_is_empty(stage: Stage) -> None:
    stage.deploy()

    assert stage.deployer.plan(stage.request) == []


def test_an_app_that_never_answers_is_an_error_that_names_where_to_look(stage: Stage) -> None:
    stage.web.answers = [HealthAnswer(0)]

    with pytest.raises(ConfigurationError, match="log stream of func-1"):
        stage.deploy()


def test_an_app_that_answers_after_its_cold_start_is_waited_for(stage: Stage) -> None:
    stage.web.answers = [HealthAnswer(0), HealthAnswer(404), WELL]
    stage.deploy()

    assert len(stage.web.keys) == 3


def test_a_reference_that_does_not_resolve_stops_before_the_code(stage: Stage) -> None:
    stage.azure.broken = {"SPOTLER_SECRET": "AccessToKeyVaultDenied"}

    with pytest.raises(ConfigurationError, match=r"SPOTLER_SECRET does not resolve .* Key Vault Secrets User"):
        stage.deploy()
    assert stage.azure.package == ""


def test_the_doctor_finds_nothing_wrong_with_a_healthy_installation(stage: Stage) -> None:
    stage.deploy()

    assert stage.deployer.doctor(stage.request) == []


def test_the_doctor_tells_everything_that_is_wrong_at_once(stage: Stage) -> None:
    stage.deploy()
    stage.azure.broken = {"SPOTLER_KEY": "SecretNotFound"}
    stage.azure.registered.remove("Microsoft.App")
    stage.web.answers = [HealthAnswer(503, ("spotler: the key is refused",))]
    stage.waited.clear()

    found = stage.deployer.doctor(stage.request)

    assert len(found) == 3
    assert "spotler: the key is refused" in found[-1]
    assert stage.waited == []


def test_the_doctor_says_where_nothing_is_deployed(stage: Stage) -> None:
    assert stage.deployer.doctor(stage.request) == ["There is no deployment in a-group: run python -m shared deploy"]


def test_the_program_az_is_called_as_a_process(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, program = tmp_path / "out" / "state.json", tmp_path / "out" / "bin" / "az"
    program.parent.mkdir(parents=True)
    state.write_text(json.dumps(vars(stage.azure)))
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {azure_stand_in.__file__} {state} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")

    Deployer(Azure(AzProgram(), stage.said.append), stage.web, ByHand()).deploy(
        stage.request, tmp_path / "out" / "a.zip"
    )

    assert json.loads(state.read_text())["package"].endswith("a.zip")


def test_without_az_the_command_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ConfigurationError, match="install-az"):
        AzProgram()
