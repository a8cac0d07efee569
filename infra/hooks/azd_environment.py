"""What the hooks share: the project on the path, values of the azd environment, one line for an error."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from shared.deployment.deploy import Deployer  # noqa: E402  # after the path
from shared.deployment.request import DeploymentRequest, Installation  # noqa: E402
from shared.errors import ConfigurationError, ConnectorError  # noqa: E402
from shared.local.commands.provisioning.deploy_command import Part, deployer_without  # noqa: E402


def request() -> DeploymentRequest:
    """Return the request that azd's environment describes; ConfigurationError names a value that it lacks."""
    value = os.environ
    environment = _needed("AZURE_ENV_NAME", "azd env new test")
    return DeploymentRequest(
        root=ROOT,
        group=value.get("AZURE_RESOURCE_GROUP", f"rg-{environment}"),
        environment=environment,
        location=_needed("AZURE_LOCATION", "azd env set AZURE_LOCATION westeurope"),
        dataverse_url=_needed("DATAVERSE_URL", "azd env set DATAVERSE_URL https://….crm4.dynamics.com"),
        spotler_key=value.get("SPOTLER_KEY", ""),
        spotler_secret=value.get("SPOTLER_SECRET", ""),
    )


def _needed(name: str, cure: str) -> str:
    """Return a value of the azd environment. `azd provision` calls the first hook before it asks for a region."""
    if value := os.environ.get(name):
        return value
    raise ConfigurationError(f"{name} is not set: {cure}")


def deployer() -> Deployer:
    """Return a deployer by the az command line; azd itself has no commands for these questions.

    ConfigurationError if az would work in another subscription than azd.
    """
    left_out = os.environ.get("DEPLOY_WITHOUT", "").split()
    made = deployer_without([_part(one) for one in left_out])
    wanted = os.environ.get("AZURE_SUBSCRIPTION_ID", "")
    used = made.azure.ask("asking for the subscription", "account", "show")["id"]
    if wanted and wanted != used:
        raise ConfigurationError(
            f"azd deploys to the subscription {wanted}, and az works in {used}: az account set --subscription {wanted}"
        )
    return made


def _part(text: str) -> Part:
    """Read a word of DEPLOY_WITHOUT; ConfigurationError names those that there are."""
    if text not in set(Part):
        raise ConfigurationError(f"DEPLOY_WITHOUT is {text!r}; it must be one of {', '.join(Part)}")
    return Part(text)


def installation() -> Installation:
    """Return the outputs of the template, which azd puts into the environment."""
    return Installation.of({name: {"value": value} for name, value in os.environ.items()})


def remember(name: str, value: str) -> None:
    """Set a value of the azd environment."""
    subprocess.run(["azd", "env", "set", name, value], check=True)  # noqa: S603, S607  # azd called this hook


def run(hook: Callable[[], None]) -> int:
    """Run a hook; an error is one sentence that says what to do."""
    try:
        hook()
    except ConnectorError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0
