"""The doctor finds what is wrong with a running installation, and says what to do about each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.deployment.dataverse_side import Known
from shared.deployment.examination.roles import NEEDED
from shared.deployment.web import HealthAnswer
from tests.programs.azure_stand_in import Fault
from tests.unit.deployment.stage import FakeDataverse, Stage
from tests.unit.infra.templates import made


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


def test_the_doctor_names_settings_that_are_missing_or_break_the_app(stage: Stage) -> None:
    stage.deploy()
    del stage.azure.settings["SERVICE_BUS__clientId"]
    stage.azure.settings["website_time_zone"] = "Europe/Amsterdam"

    missing, unwanted = stage.deployer.doctor(stage.request)
    assert missing.startswith("The setting SERVICE_BUS__clientId is missing")
    assert unwanted.startswith("The setting WEBSITE_TIME_ZONE breaks the app")


def test_the_doctor_says_where_nothing_is_deployed(stage: Stage) -> None:
    assert stage.deployer.doctor(stage.request) == ["There is no deployment in a-group: run python -m shared deploy"]


def test_the_doctor_examines_an_app_whose_last_deployment_failed_or_was_made_by_azd(stage: Stage) -> None:
    stage.deploy()
    assert stage.azure.deployment is not None
    stage.azure.deployment["properties"] = {"provisioningState": "Failed"}
    stage.azure.broken = {"SPOTLER_KEY": "SecretNotFound"}

    [found] = stage.deployer.doctor(stage.request)
    assert found.startswith("SPOTLER_KEY does not resolve")


def test_the_doctor_of_another_environment_in_the_same_group_finds_no_app(stage: Stage) -> None:
    stage.deploy()

    [found] = stage.deployer.doctor(replace(stage.request, environment="production"))
    assert found.startswith("There is no deployment")


def test_the_doctor_knows_the_roles_of_the_template() -> None:
    assigned = {
        (one.body["properties"]["roleDefinitionId"].rpartition("/")[2], one.scope.rpartition("/")[0].lower())
        for one in made("bare").of("Microsoft.Authorization/roleAssignments")
    }

    assert {one.id for one in NEEDED} == {role for role, _ in assigned}


def test_the_doctor_names_a_role_that_the_identity_lacks_with_the_command_that_gives_it(stage: Stage) -> None:
    stage.deploy()
    del stage.azure.roles["090c5cfd-751d-490a-894a-3ce6f1109419"]
    stage.azure.roles["4633458b-17de-408a-b874-0445c86b69e6"] = "Microsoft.Storage/storageAccounts"

    bus, vault = stage.deployer.doctor(stage.request)

    assert "lacks the role Azure Service Bus Data Owner" in bus
    assert "az role assignment create --assignee-object-id principal-1" in bus
    assert "lacks the role Key Vault Secrets User" in vault


def test_a_check_that_cannot_be_made_is_a_finding_and_the_others_go_on(stage: Stage) -> None:
    stage.deploy()
    stage.azure.fails(Fault("role assignment list", "(AuthorizationFailed)"))
    stage.web.answers = [HealthAnswer(503, ("spotler: the key is refused",))]

    roles, health = stage.deployer.doctor(stage.request)

    assert "reading the roles of the identity failed" in roles
    assert health == "spotler: the key is refused"


def test_the_doctor_examines_the_organisation_that_the_settings_of_the_app_name(stage: Stage) -> None:
    stage.deploy()
    stage.dataverse = FakeDataverse(refusal="off")
    stage.azure.settings |= {"DATAVERSE_URL": "https://contoso.crm4.dynamics.com", "DATAVERSE_CLIENT_ID": "client-1"}

    assert stage.deployer.doctor(stage.request) == ["Dataverse: the step one is switched off"]
    assert stage.dataverse.planned == [
        ("https://contoso.crm4.dynamics.com", Known("client-1", "made", "the live mapping"))
    ]


def test_the_doctor_passes_the_sign_in_of_an_app(stage: Stage) -> None:
    stage.azure.sign_in = "registration-1"
    stage.deploy()
    stage.web.tokens.clear()

    assert stage.deployer.doctor(stage.request) == []
    assert stage.web.tokens == {"token-1"}


@pytest.mark.parametrize("status", [302, 401, 403])
def test_the_doctor_says_where_to_read_about_an_app_that_refuses_the_token(stage: Stage, status: int) -> None:
    stage.azure.sign_in = "registration-1"
    stage.deploy()
    stage.web.answers = [HealthAnswer(status)]

    [told] = stage.deployer.doctor(stage.request)
    assert "refuses your token: see Sign-in" in told


@pytest.mark.parametrize(
    ("scope", "findings"),
    [
        ("/subscriptions/sub-1", 0),
        ("/subscriptions/sub-1/resourceGroups/A-GROUP", 0),
        ("/subscriptions/sub-1/resourceGroups/a-group-2", 1),
        ("/subscriptions/sub-1/resourceGroups/b-group/providers/Microsoft.KeyVault/vaults/kv-2", 1),
    ],
    ids=["subscription", "group", "group-with-a-longer-name", "other-group"],
)
def test_a_role_that_an_administrator_assigned_further_up_counts(stage: Stage, scope: str, findings: int) -> None:
    stage.deploy()
    stage.azure.roles["4633458b-17de-408a-b874-0445c86b69e6"] = scope

    assert len(stage.deployer.doctor(stage.request)) == findings
