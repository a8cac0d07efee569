"""What a deployment is asked for, and what it knows when it is under way."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    vault: str

    @classmethod
    def of(cls, outputs: dict[str, Any]) -> "Installation":
        """Read the outputs of a deployment."""
        value = {name.upper(): one["value"] for name, one in outputs.items()}
        return cls(
            app=value["FUNCTION_APP_NAME"],
            host=value["FUNCTION_APP_HOST"],
            client_id=value["IDENTITY_CLIENT_ID"],
            namespace=value["SERVICE_BUS_NAMESPACE"],
            queue=value["DATAVERSE_QUEUE"],
            vault=value["KEY_VAULT_NAME"],
        )
