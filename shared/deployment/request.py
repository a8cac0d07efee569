"""What a deployment is asked for, and what it knows when it is under way."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from shared.errors import ConfigurationError

PROVIDERS = (
    "Microsoft.App",
    "Microsoft.AlertsManagement",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.OperationalInsights",
    "Microsoft.ServiceBus",
    "Microsoft.Storage",
    "Microsoft.Web",
)
"""The resource providers whose resources the template has; Flex Consumption needs the first one."""

TEMPLATE_SETTINGS = frozenset(
    {
        "AzureWebJobsStorage__accountName",
        "AzureWebJobsStorage__credential",
        "AzureWebJobsStorage__clientId",
        "SERVICE_BUS__fullyQualifiedNamespace",
        "SERVICE_BUS__credential",
        "SERVICE_BUS__clientId",
        "STATE_STORAGE__tableServiceUri",
        "AZURE_CLIENT_ID",
        "DATAVERSE_URL",
        "DATAVERSE_TENANT_ID",
        "DATAVERSE_CLIENT_ID",
        "SPOTLER_KEY",
        "SPOTLER_SECRET",
        "FINGERPRINT_KEY",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "ENVIRONMENT",
        "SCHEDULE_TIME_ZONE",
    }
)
"""The settings that the template gives; it keeps no others, so the deployment hands these over again."""

PREMIUM_SETTINGS = frozenset(
    {
        "FUNCTIONS_EXTENSION_VERSION",
        "FUNCTIONS_WORKER_RUNTIME",
        "WEBSITE_RUN_FROM_PACKAGE",
        "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID",
    }
)
"""What it gives beyond these on the plan premium; the plan flex refuses them, so they are never handed over."""


class Plan(StrEnum):
    """The hosting plan: scales to zero, or keeps one instance."""

    FLEX = "flex"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True)
class DeploymentRequest:
    """What whoever deploys asks for. Secrets may be empty: the key vault keeps those that it has."""

    root: Path
    group: str
    environment: str
    location: str
    dataverse_url: str
    spotler_key: str = field(default="", repr=False)
    spotler_secret: str = field(default="", repr=False)
    alarm_emails: tuple[str, ...] = ()
    time_zone: str = "Europe/Amsterdam"
    assign_roles: bool = True
    closed_network: bool = False
    plan: Plan = Plan.FLEX

    @property
    def name(self) -> str:
        """Return the name of the deployment in Azure: the same each time, so that a killed one is found again."""
        return f"spotler-connector-{self.environment}"


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in, and where."""

    subscription: str
    tenant: str
    principal: str
    principal_kind: str


@dataclass(frozen=True, slots=True)
class Installation:
    """What exists in Azure: the outputs of the template."""

    app: str
    host: str
    client_id: str
    namespace: str
    queue: str
    rule: str
    vault: str
    storage: str
    container: str

    @classmethod
    def of(cls, outputs: dict[str, Any]) -> "Installation":
        """Read the outputs of a deployment; ConfigurationError if an older template made it."""
        value = {name.upper(): one["value"] for name, one in outputs.items()}
        if absent := [name for name in _OUTPUTS.values() if name not in value]:
            raise ConfigurationError(
                f"The deployment has no output {', '.join(absent)}: run python -m shared deploy or azd provision again"
            )
        return cls(**{name: value[output] for name, output in _OUTPUTS.items()})


_OUTPUTS = {
    "app": "FUNCTION_APP_NAME",
    "host": "FUNCTION_APP_HOST",
    "client_id": "IDENTITY_CLIENT_ID",
    "namespace": "SERVICE_BUS_NAMESPACE",
    "queue": "DATAVERSE_QUEUE",
    "rule": "DATAVERSE_QUEUE_RULE",
    "vault": "KEY_VAULT_NAME",
    "storage": "STORAGE_ACCOUNT",
    "container": "PACKAGE_CONTAINER",
}
"""The output of `infra/main.bicep` for each field of an installation."""
