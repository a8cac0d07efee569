"""The template gives the app what it needs, and nothing that Azure or a reader of outputs must not have."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.messaging.servicebus_messages import DEAD_LETTERS
from shared.composition.settings import SERVICE_BUS_LOCK, Settings
from shared.installation.yaml_files import read_yaml
from shared.ports.queue import QueueName
from shared.telemetry.signals import SIGNALS
from tests.bicep.templates import deploy, parameters_of
from tests.unit.infra.templates import BARE, FULL, INFRA, MAIN, PROJECT, SECRETS, VARIANTS, made, settings_of

NEVER_ON_FLEX = {
    "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_CONTENTSHARE",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "WEBSITE_MOUNT_ENABLED", "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD", "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT", "WEBSITE_TIME_ZONE", "TZ",
}  # fmt: skip
OF_THE_HOST = re.compile(
    r"AzureWebJobsStorage__|SERVICE_BUS__(credential|clientId)$|AZURE_CLIENT_ID$|APPLICATIONINSIGHTS_"
)
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": ("storage", "Storage Blob Data Owner: package and host"),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": ("storage", "Storage Queue Data Contributor: host"),
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": ("storage", "Storage Table Data Contributor: state"),
    "090c5cfd-751d-490a-894a-3ce6f1109419": ("messaging", "Azure Service Bus Data Owner: receive, send, measure"),
    "4633458b-17de-408a-b874-0445c86b69e6": ("vault", "Key Vault Secrets User: settings"),
    "3913510d-42f4-4e42-8a64-420c390055eb": ("monitoring", "Monitoring Metrics Publisher: telemetry"),
}


def known(value: str) -> str:
    """Replace what only Azure knows."""
    return value.replace("<account.properties.primaryEndpoints.table>", "https://st.table.x/").strip("<>")


def settings_from(values: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Read settings as the app would, with references of the key vault resolved."""
    for name, value in values.items():
        monkeypatch.setenv(name, "resolved-by-key-vault" if value.startswith("@Microsoft.KeyVault(") else known(value))
    return Settings()


def test_the_app_reads_what_the_template_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_from(settings_of(made("bare")), monkeypatch)

    assert settings.environment == "mytest"
    assert settings.uses_service_bus
    assert settings.uses_azure_tables
    assert settings.dataverse_url == BARE["dataverseUrl"]
    assert settings.spotler_key
    assert settings.spotler_secret.get_secret_value()
    assert settings.applicationinsights_connection_string.get_secret_value()
    assert settings.dataverse_client_id == known(settings_of(made("bare"))["AZURE_CLIENT_ID"])
    assert settings.schedule_time_zone == "Europe/Amsterdam"
    assert not settings.dataverse_client_secret.get_secret_value()


def test_every_setting_is_one_that_the_app_or_the_host_reads() -> None:
    known = {(field.alias or name).upper() for name, field in Settings.model_fields.items()}
    given = settings_of(made("bare"))

    assert {name for name in given if name.upper() not in known and not OF_THE_HOST.match(name)} == set()


def test_every_setting_without_which_the_app_would_be_a_sandbox_is_given() -> None:
    needed = {"DATAVERSE_URL", "DATAVERSE_CLIENT_ID", "DATAVERSE_TENANT_ID", "SPOTLER_KEY", "SPOTLER_SECRET",
              "FINGERPRINT_KEY", "SERVICE_BUS__fullyQualifiedNamespace", "STATE_STORAGE__tableServiceUri",
              "ENVIRONMENT", "AZURE_CLIENT_ID", "AzureWebJobsStorage__accountName"}  # fmt: skip

    for variant in VARIANTS:
        assert needed <= settings_of(made(variant)).keys()


@pytest.mark.parametrize("variant", ["bare", "full", "without-roles"])
def test_no_setting_is_one_that_flex_refuses_or_ignores(variant: str) -> None:
    deployment = made(variant)
    [site] = deployment.of("Microsoft.Web/sites")

    assert not NEVER_ON_FLEX & settings_of(deployment).keys()
    assert "linuxFxVersion" not in site.body["properties"]["siteConfig"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_plan_gets_a_time_zone_of_the_platform(variant: str) -> None:
    assert not {"WEBSITE_TIME_ZONE", "TZ"} & settings_of(made(variant)).keys()


def test_settings_of_the_parameter_win() -> None:
    changed = deploy(MAIN, {**BARE, "appSettings": {"POLL_SCHEDULE": "0 0 * * * *", "ENVIRONMENT": "other"}})

    assert settings_of(changed)["POLL_SCHEDULE"] == "0 0 * * * *"
    assert settings_of(changed)["ENVIRONMENT"] == "other"


def test_the_queues_are_those_of_the_app_with_the_lock_that_it_reckons_with() -> None:
    queues = {
        one.name.rpartition("/")[2]: one.body["properties"]
        for one in made("bare").of("Microsoft.ServiceBus/namespaces/queues")
    }
    minutes = SERVICE_BUS_LOCK / timedelta(minutes=1)
    [deliveries] = re.findall(r"maximum delivery count (\d+)", (PROJECT / "docs" / "host.md").read_text())

    assert queues.keys() == {*QueueName, DEAD_LETTERS}
    for properties in queues.values():
        assert properties["lockDuration"] == f"PT{minutes:.0f}M"
        assert properties["maxDeliveryCount"] == int(deliveries)
        assert properties["deadLetteringOnMessageExpiration"] is True
        assert properties["requiresSession"] is False
        assert properties["requiresDuplicateDetection"] is False


def test_dataverse_may_send_to_its_own_queue_and_nothing_else() -> None:
    [rule] = made("bare").of("Microsoft.ServiceBus/namespaces/queues/authorizationRules")

    assert rule.name.split("/")[1] == QueueName.EVENTS
    assert rule.body["properties"] == {"rights": ["Send"]}


def test_the_identity_has_the_roles_for_what_the_code_calls_and_no_other() -> None:
    given = {
        one.body["properties"]["roleDefinitionId"].rpartition("/")[2]: one.module
        for one in made("bare").of("Microsoft.Authorization/roleAssignments")
    }

    assert given == {role: module for role, (module, _) in ROLES.items()}


def test_every_role_is_assigned_at_one_resource() -> None:
    for one in made("full").of("Microsoft.Authorization/roleAssignments"):
        assert one.scope
        assert one.body["properties"]["principalId"]


def test_no_role_is_assigned_where_an_administrator_does_it() -> None:
    assert made("without-roles").of("Microsoft.Authorization/roleAssignments") == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_secrets_are_in_the_vault_and_nowhere_else(variant: str) -> None:
    deployment = made(variant)
    elsewhere = json.dumps(
        [one.body for one in deployment.resources if one.kind != "Microsoft.KeyVault/vaults/secrets"]
        + [deployment.outputs]
    )

    assert not [value for value in SECRETS.values() if value in elsewhere]
    assert "listKeys" not in elsewhere


def test_secret_parameters_are_secure_and_have_no_value_of_their_own() -> None:
    secret = {one.name for one in parameters_of(MAIN) if one.is_secure}

    assert secret == {*SECRETS, "appSettings"}
    assert {"spotler-key", "spotler-secret", "fingerprint-key"}.isdisjoint(vault_secrets("bare"))
    assert {"spotler-key", "spotler-secret", "fingerprint-key"} <= vault_secrets("first")


def vault_secrets(variant: str) -> set[str]:
    return {one.name.rpartition("/")[2] for one in made(variant).of("Microsoft.KeyVault/vaults/secrets")}


def test_every_reference_of_a_setting_names_a_secret_that_the_template_can_make() -> None:
    values = settings_of(made("first")).values()
    named = {name for value in values for name in re.findall(r"SecretName=([\w-]+)", value)}

    assert named == {"spotler-key", "spotler-secret", "fingerprint-key"}
    assert named <= vault_secrets("first")


def test_shared_keys_are_off_where_the_identity_does() -> None:
    deployment = made("bare")
    [account] = deployment.of("Microsoft.Storage/storageAccounts")
    [component] = deployment.of("Microsoft.Insights/components")

    assert account.body["properties"]["allowSharedKeyAccess"] is False
    assert component.body["properties"]["DisableLocalAuth"] is True


def test_a_closed_network_closes_storage_and_vault_and_leaves_the_queue_open_for_dataverse() -> None:
    deployment = made("full")
    access = {
        one.kind: one.body["properties"]["publicNetworkAccess"]
        for one in deployment.resources
        if "publicNetworkAccess" in one.body.get("properties", {})
    }

    assert access == {
        "Microsoft.Storage/storageAccounts": "Disabled",
        "Microsoft.KeyVault/vaults": "Disabled",
        "Microsoft.ServiceBus/namespaces": "Enabled",
    }
    [site] = deployment.of("Microsoft.Web/sites")
    assert site.body["properties"]["virtualNetworkSubnetId"].endswith("/subnets/app")


def rules(variant: str) -> dict[str, Any]:
    found = made(variant).of("Microsoft.Insights/scheduledQueryRules")
    return {one.body["properties"]["displayName"]: one.body["properties"] for one in found}


ALARMS = read_yaml(INFRA / "alarms.yaml")["alarms"]
MEASURES = {"total": "sum(Sum)", "average": "sum(Sum) / sum(ItemCount)", "maximum": "max(Max)", "minimum": "min(Min)"}


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm["name"])
def test_every_alarm_is_a_rule(alarm: dict[str, Any]) -> None:
    rule = rules("full")[alarm["name"]]
    [condition] = rule["criteria"]["allOf"]
    split = alarm.get("split", [])

    assert (rule["severity"], rule["windowSize"], rule["evaluationFrequency"]) == (
        alarm["severity"], alarm["window"], alarm["every"],
    )  # fmt: skip
    assert (condition["operator"], condition["threshold"]) == (alarm["operator"], alarm["threshold"])
    assert [one["name"] for one in condition["dimensions"]] == split
    assert f'Name == "{alarm["metric"]}"' in condition["query"]
    measured = f"summarize value = {MEASURES[alarm['aggregation']]}"
    assert condition["query"].endswith(f"{measured} by {', '.join(split)}" if split else measured)
    for name, values in alarm.get("where", {}).items():
        listed = ", ".join(f'"{value}"' for value in values)
        assert f'tostring(Properties["{name}"]) in ({listed})' in condition["query"]


def test_there_is_no_other_rule() -> None:
    assert rules("bare").keys() == {alarm["name"] for alarm in ALARMS}


def test_an_alarm_for_absence_has_no_groups_which_nothing_would_fill() -> None:
    for alarm in ALARMS:
        if alarm.get("absent"):
            assert not alarm.get("split")
            assert alarm["aggregation"] in {"total", "count"}


def test_alarms_mail_those_who_are_named_and_nobody_otherwise() -> None:
    assert made("bare").of("Microsoft.Insights/actionGroups") == []
    [group] = made("full").of("Microsoft.Insights/actionGroups")
    mailed = [one["emailAddress"] for one in group.body["properties"]["emailReceivers"]]
    assert mailed == FULL["alarmEmails"]
    assert all(rule["actions"]["actionGroups"] for rule in rules("full").values())


def test_the_workbook_asks_for_metrics_that_exist() -> None:
    [workbook] = made("bare").of("Microsoft.Insights/workbooks")
    contents = json.loads(workbook.body["properties"]["serializedData"])
    queries = " ".join(item["content"].get("query", "") for item in contents["items"])
    dimensions = {name for one in SIGNALS for name in one.dimensions} | {"lane"}

    asked = set(re.findall(r'"(connector\.[\w.]+)"', queries))
    assert asked <= {one.name for one in SIGNALS}
    assert {"connector.latency", "connector.queue.oldest", "connector.api.budget", "connector.poll.behind"} <= asked
    assert set(re.findall(r'Properties\["(\w+)"\]', queries)) <= dimensions
    assert "<workspace>" not in workbook.body["properties"]["serializedData"]
