"""After `azd deploy`: the app answers, Dataverse sends to it, and a test change goes through."""

import sys

from azd_environment import deployer, installation, request, run

from shared.deployment.checks import signed_in
from shared.errors import ConfigurationError


def examine() -> None:
    """Connect the published app and test it; ConfigurationError names what is not well."""
    deploys = deployer()
    if problems := deploys.connect(request(), signed_in(deploys.azure), installation()):
        raise ConfigurationError("; ".join(problems))


if __name__ == "__main__":
    sys.exit(run(examine))
