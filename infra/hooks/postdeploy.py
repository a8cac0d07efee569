"""After `azd deploy`: the key vault references resolve, and the app answers."""

import os
import sys

from azd_environment import azure, request, run

from shared.deployment.checks import signed_in
from shared.deployment.request import Installation
from shared.deployment.running import broken_references, wait_for_health, wait_for_references
from shared.deployment.web import HttpsWeb


def examine() -> None:
    """Wait for the references and for the app; ConfigurationError if they stay away."""
    wanted, cloud = request(), azure()
    account = signed_in(cloud)
    installation = Installation.of({name: {"value": value} for name, value in os.environ.items()})
    wait_for_references(cloud, lambda: broken_references(cloud, account, wanted, installation))
    for problem in wait_for_health(cloud, wanted, installation, HttpsWeb()).problems:
        cloud.say(f"The app answers, but {problem}")


if __name__ == "__main__":
    sys.exit(run(examine))
