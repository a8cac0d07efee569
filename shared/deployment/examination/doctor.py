"""The checks of `python -m shared doctor`. One that cannot be made is a finding, and the others go on."""

from collections.abc import Callable
from dataclasses import replace

from shared.deployment.checks import missing_providers, signed_in
from shared.deployment.command_line.azure import Azure
from shared.deployment.dataverse_side import DataverseSide
from shared.deployment.examination.known import known_of
from shared.deployment.examination.roles import role_problems
from shared.deployment.provisioning import existing, setting_problems, settings_of
from shared.deployment.request import DeploymentRequest
from shared.deployment.running import access_to, broken_references, health_problems
from shared.deployment.web import Web
from shared.errors import ConfigurationError


def examine(azure: Azure, web: Web, dataverse: DataverseSide, request: DeploymentRequest) -> list[str]:
    """Return what is wrong with a running installation, each with what to do; nothing is changed."""
    account, app = signed_in(azure), existing(azure, request)
    if app is None:
        return [f"There is no deployment in {request.group}: run python -m shared deploy"]

    def dataverse_problems() -> list[str]:
        url = settings_of(azure, request, app.app).get("DATAVERSE_URL", "")
        return dataverse.examine(replace(request, dataverse_url=url), known_of(azure, web, account, request))

    checks: list[Callable[[], list[str]]] = [
        lambda: [
            f"The resource provider {name} is not registered: az provider register --namespace {name}"
            for name in missing_providers(azure)
        ],
        lambda: setting_problems(settings_of(azure, request, app.app)),
        lambda: role_problems(azure, account, request),
        lambda: broken_references(azure, account, request, app),
        lambda: health_problems(app, web, access_to(azure, account, request, app)),
        dataverse_problems,
    ]
    found: list[str] = []
    for check in checks:
        try:
            found += check()
        except ConfigurationError as error:
            found.append(str(error))
    return found
