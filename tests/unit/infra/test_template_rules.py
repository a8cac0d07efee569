"""What no schema knows: the template agrees with the app."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from shared.adapters.messaging.servicebus import LOCK
from shared.adapters.messaging.servicebus_messages import DEAD_LETTERS
from shared.composition.settings import SERVICE_BUS_LOCK, Settings
from shared.ports.queue import QueueName
from shared.telemetry.signals import SIGNALS
from tests.unit.infra.bicep import INFRA, declarations, files, of_kind, variable

UNSUPPORTED_ON_FLEX = {
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_EXTENSION_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_MOUNT_ENABLED",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
    "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT",
    "WEBSITE_TIME_ZONE",
    "TZ",
}
SETTINGS: dict[str, Any] = variable("modules/app.bicep", "settings")
NEEDED_IN_AZURE = {
    "spotler_key",
    "spotler_secret",
    "fingerprint_key",
    "dataverse_url",
    "dataverse_tenant_id",
    "dataverse_client_id",
    "service_bus_namespace",
    "state_storage_tables",
    "applicationinsights_connection_string",
    "environment",
}
"""Settings without which the app is not the app of Azure: an empty one means an embedded or simulated part."""


def test_flex_gets_no_setting_that_it_does_not_support() -> None:
    assert SETTINGS.keys() & UNSUPPORTED_ON_FLEX == set()


def test_no_plan_gets_a_time_zone() -> None:
    everything = "".join(path.read_text(encoding="utf-8") for path in files())

    assert re.findall(r"\b(WEBSITE_TIME_ZONE|TZ)\b", everything) == []


def test_every_setting_that_the_app_needs_in_azure_is_given() -> None:
    fields = Settings.model_fields
    names = {(fields[name].alias or name).casefold() for name in NEEDED_IN_AZURE}

    assert names <= {name.casefold() for name in SETTINGS}


def test_every_setting_is_one_of_the_app_or_of_its_platform() -> None:
    of_the_app = {(one.alias or name).casefold() for name, one in Settings.model_fields.items()}
    of_the_platform = re.compile(
        r"AzureWebJobsStorage__\w+|SERVICE_BUS__(credential|clientId)|AZURE_CLIENT_ID"
        r"|APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
    )

    assert [
        name for name in SETTINGS if name.casefold() not in of_the_app and not of_the_platform.fullmatch(name)
    ] == []


def test_secrets_are_references_to_the_vault() -> None:
    text = (INFRA / "modules" / "app.bicep").read_text(encoding="utf-8")
    for name in ("SPOTLER_KEY", "SPOTLER_SECRET", "FINGERPRINT_KEY"):
        secret = name.replace("_", "-")
        assert f"{name}: '@Microsoft.KeyVault(VaultName=${{vaultName}};SecretName={secret})'" in text


def test_the_queues_are_those_of_the_app_with_the_lock_that_it_assumes() -> None:
    queues = of_kind(INFRA / "modules/messaging.bicep", "resource")["queues"].value["properties"]

    assert set(variable("modules/messaging.bicep", "queueNames")) == {*QueueName, DEAD_LETTERS}
    assert queues["lockDuration"] == f"PT{SERVICE_BUS_LOCK.seconds // 60}M"
    assert SERVICE_BUS_LOCK == LOCK
    assert queues["maxDeliveryCount"] == 50  # docs/host.md
    assert queues["deadLetteringOnMessageExpiration"] is True
    assert queues["requiresSession"] is queues["requiresDuplicateDetection"] is False


def test_dataverse_may_send_to_one_queue_and_nothing_else() -> None:
    rules = [
        one
        for path in files()
        for one in declarations(path)
        if "authorizationRules@" in one.subject and not one.is_existing
    ]

    assert [rule.value["properties"] for rule in rules] == [{"rights": ["Send"]}]
    assert "parent: events" in rules[0].text


def test_the_state_table_is_the_one_that_the_app_opens() -> None:
    table = of_kind(INFRA / "modules/storage.bicep", "resource")["state"].value

    assert table["name"] == Settings.model_fields["state_table"].default


def test_the_alarms_are_those_of_the_file() -> None:
    text = (INFRA / "modules/alarms.bicep").read_text(encoding="utf-8")
    alarms = yaml.safe_load((INFRA / "alarms.yaml").read_text(encoding="utf-8"))["alarms"]

    assert "loadYamlContent('../alarms.yaml').alarms" in text
    assert {alarm["aggregation"] for alarm in alarms} <= variable("modules/alarms.bicep", "measures").keys()
    assert {key for alarm in alarms for key in alarm} - {"absent"} == set(re.findall(r"alarm\.\??(\w+)", text))


def test_only_alarms_without_a_split_ask_for_silence() -> None:
    alarms = yaml.safe_load((INFRA / "alarms.yaml").read_text(encoding="utf-8"))["alarms"]

    # A query with `by` has no row when nothing arrives; sum and count without it give 0.
    for alarm in alarms:
        if alarm.get("absent"):
            assert "split" not in alarm
            assert alarm["aggregation"] in {"total", "count"}


def test_the_identity_has_a_role_for_everything_that_the_app_and_its_host_call() -> None:
    roles = variable("modules/access.bicep", "roles")
    text = (INFRA / "modules/access.bicep").read_text(encoding="utf-8")

    assert roles == {
        "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
        "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
        "serviceBusDataOwner": "090c5cfd-751d-490a-894a-3ce6f1109419",
        "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
        "keyVaultSecretsOfficer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    }
    for role in roles:
        assert f"roles.{role}" in text


def test_no_output_and_no_default_holds_a_secret() -> None:
    for path in files():
        for output in of_kind(path, "output").values():
            assert not re.search(r"listKeys|listSecrets|[sS]ecret|primaryKey|ConnectionString", output.text), (
                output.text
            )
        for parameter in of_kind(path, "parameter").values():
            if re.search("key|secret|password", parameter.name.lower()):
                assert parameter.is_secure, f"{path.name}: {parameter.name}"
                assert parameter.value in {None, ""}


def test_the_fingerprint_key_is_never_made_by_the_template() -> None:
    secrets = [one.value["name"] for path in files() for one in declarations(path) if "vaults/secrets@" in one.subject]

    assert sorted(secrets) == ["DATAVERSE-SEND-KEY", "SPOTLER-KEY", "SPOTLER-SECRET"]


def test_the_workbook_asks_for_metrics_and_dimensions_that_exist() -> None:
    workbook = json.loads((INFRA / "workbook.json").read_text(encoding="utf-8"))
    queries = [item["content"]["query"] for item in workbook["items"] if item["type"] == 3]
    dimensions = {signal.name: set(signal.dimensions) for signal in SIGNALS}

    asked = [query for query in queries if query.startswith("AppMetrics")]
    assert len(asked) >= 8
    for query in asked:
        named = re.search(r'Name == "([\w.]+)"', query)
        assert named is not None
        assert set(re.findall(r'Properties\["(\w+)"\]', query)) <= dimensions[named[1]]
