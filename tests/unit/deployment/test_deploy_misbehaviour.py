"""Whatever Azure does meanwhile, a deployment ends well or says what to do, and the next run finishes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.deployment.command_line.azure import Azure
from shared.deployment.deploy import Deployer
from shared.errors import ConfigurationError
from tests.programs.azure_stand_in import Fault
from tests.unit.deployment.stage import CALLS, BreakingOff, FakeDataverse, Killed, Stage


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


def test_a_role_on_the_key_vault_that_comes_late_is_waited_for(stage: Stage) -> None:
    stage.azure.broken, stage.azure.late = {"SPOTLER_KEY": "AccessToKeyVaultDenied"}, 4
    stage.deploy()

    assert stage.said.count("waiting for the key vault references") == 4
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


@pytest.mark.parametrize("name", ["contoso test", "te_st", "-test", "a" * 21, ""])
def test_a_name_that_azure_would_refuse_is_found_before_anything_is_changed(stage: Stage, name: str) -> None:
    stage.request = replace(stage.request, environment=name)

    with pytest.raises(ConfigurationError, match="letters, digits and hyphens"):
        stage.deploy()
    assert stage.azure.groups == []


def deleted_vault(group: str, environment: str) -> dict[str, object]:
    place = f"/subscriptions/sub-1/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/kv-1"
    return {
        "name": "kv-1",
        "properties": {"vaultId": place, "location": "westeurope", "tags": {"azd-env-name": environment}},
    }


def test_a_deleted_key_vault_of_the_environment_is_to_be_recovered_first(stage: Stage) -> None:
    stage.azure.deleted_vaults = [deleted_vault("A-Group", "test")]

    with pytest.raises(ConfigurationError, match="az keyvault recover --name kv-1"):
        stage.deploy()
    assert stage.azure.groups == []


def test_deleted_key_vaults_of_others_and_a_missing_right_to_see_them_are_no_hindrance(stage: Stage) -> None:
    stage.azure.deleted_vaults = [deleted_vault("a-group", "production"), deleted_vault("b-group", "test")]
    stage.deploy()
    stage.azure.fails(Fault("keyvault list-deleted", "(AuthorizationFailed)"))

    assert stage.deploy() == ()


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


@pytest.mark.parametrize("acts", [True, False], ids=["after-the-effect", "before-the-effect"])
@pytest.mark.parametrize("call", range(CALLS))
def test_a_run_that_breaks_off_at_any_call_is_finished_by_the_next(stage: Stage, call: int, acts: bool) -> None:  # noqa: FBT001
    breaks = BreakingOff(stage.azure, call, acts=acts)
    azure = Azure(breaks, stage.said.append, stage.waited.append)
    with pytest.raises(Killed):
        Deployer(azure, stage.web, stage.dataverse).deploy(stage.request, stage.request.root / "out" / "app.zip")
    key = stage.azure.secrets.get("fingerprint-key")
    stage.deploy()

    assert stage.azure.package
    assert key in {None, stage.azure.secrets["fingerprint-key"]}


def test_a_former_run_that_azure_still_works_at_is_waited_for_so_that_its_fingerprint_key_stays(stage: Stage) -> None:
    stage.azure.groups.append("a-group")
    stage.azure.busy = 3
    stage.deploy()

    assert stage.waited[:3] == [30.0] * 3


def test_a_deployment_of_another_environment_in_the_same_group_is_not_waited_for(stage: Stage) -> None:
    stage.azure.groups.append("a-group")
    stage.azure.busy, stage.azure.busy_with = 3, "production"
    stage.deploy()

    assert 30.0 not in stage.waited


@pytest.mark.parametrize("acts", [True, False], ids=["after-the-effect", "before-the-effect"])
@pytest.mark.parametrize("step", ["prepare", "connect", "try_change"])
def test_a_run_that_is_killed_in_dataverse_is_finished_by_the_next(stage: Stage, step: str, acts: bool) -> None:  # noqa: FBT001
    assert isinstance(stage.dataverse, FakeDataverse)
    stage.dataverse.killed = {step: acts}
    with pytest.raises(Killed):
        stage.deploy()
    stage.dataverse.done.clear()

    assert stage.deploy() == ()
    assert stage.dataverse.done == ["user client-1", "steps of the live mapping", "test change"]
