"""What an app that exists tells of itself: the Dataverse side is planned and examined by it."""

from shared.deployment.command_line.azure import Azure
from shared.deployment.dataverse_side import Known
from shared.deployment.provisioning import existing, settings_of
from shared.deployment.request import Account, DeploymentRequest
from shared.deployment.running import access_to
from shared.deployment.web import Web
from shared.errors import ConfigurationError


def known_of(azure: Azure, web: Web, account: Account, request: DeploymentRequest) -> Known:
    """Read the settings of the app, and ask it for its mapping; what it does not tell stays unknown."""
    app = existing(azure, request)
    if app is None:
        return Known()
    settings = settings_of(azure, request, app.app)
    try:
        mapping = web.mapping(app.host, access_to(azure, account, request, app)) or ""
    except ConfigurationError:
        mapping = ""
    return Known(
        settings.get("DATAVERSE_CLIENT_ID", ""), settings.get("SERVICE_BUS__fullyQualifiedNamespace", ""), mapping
    )
