"""What each process of the connector and the sandbox begins with: modules, and an installed organisation."""

from __future__ import annotations

from shared.domain.values.countries import country_code
from shared.local.dataverse_sandbox.http.app import create_app
from shared.local.dataverse_sandbox.metadata.definitions import LatestDefinitions
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from tests import certificates
from tests.installed import installed_schema, installed_settings

# What reads its environment while it is imported, as the triggers do for their schedules, is imported by each process.
_PRELOADED = (
    "anyio._backends._asyncio",
    "azure.functions",
    "email_validator",
    "h11",
    "httpcore",
    "phonenumbers",
    "shared.adapters.messaging.servicebus",
    "shared.adapters.storage.tables",
    "shared.adapters.workbook.files",
    "shared.composition.process",
    "shared.composition.wiring",
    "shared.console.routes",
    "shared.local.commands.bundle_command",
    "shared.local.commands.mapping_command",
    "shared.local.commands.provisioning.deploy_command",
    "shared.local.commands.provisioning.install_command",
    "shared.local.commands.provisioning.state_command",
    "shared.local.commands.serve",
    "shared.local.sandbox.command",
    "shared.operations.running.operation_table",
)


async def _forget(_message: ServiceEndpointMessage) -> None:
    """Take a message of an organisation that nobody asks anything."""


def import_product() -> None:
    """Import and make what processes of the connector and the sandbox begin with."""
    for module in _PRELOADED:
        __import__(module)
    LatestDefinitions().of(installed_schema()).lists()
    create_app(installed_settings(), _forget)  # keeps the rows that an organisation begins with
    country_code("Oostenrijk")
    certificates.load_once()
    certificates.usual()
    certificates.load_once_for_amqp()
