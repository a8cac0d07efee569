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
    """Return the request that azd's environment describes; ConfigurationError without an organisation."""
    value = os.environ
    if not value.get("DATAVERSE_URL"):
        raise ConfigurationError("DATAVERSE_URL is not set: azd env set DATAVERSE_URL https://….crm4.dynamics.com")
    return DeploymentRequest(
        root=ROOT,
        group=value.get("AZURE_RESOURCE_GROUP", f"rg-{value['AZURE_ENV_NAME']}"),
        environment=value["AZURE_ENV_NAME"],
        location=value["AZURE_LOCATION"],
        dataverse_url=value.get("DATAVERSE_URL", ""),
        spotler_key=value.get("SPOTLER_KEY", ""),
        spotler_secret=value.get("SPOTLER_SECRET", ""),
    )


def deployer() -> Deployer:
    """Return a deployer by the az command line; azd itself has no commands for these questions."""
    left_out = os.environ.get("DEPLOY_WITHOUT", "").split()
    return deployer_without([_part(one) for one in left_out])


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
