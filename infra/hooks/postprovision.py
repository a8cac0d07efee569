"""After `azd provision`: secrets leave azd's file, which has them in clear; the Dataverse side."""

import sys

from azd_environment import deployer, installation, remember, request, run

SECRETS = ("FINGERPRINT_KEY", "SPOTLER_KEY", "SPOTLER_SECRET")


def finish() -> None:
    """Forget the secrets, which the key vault has now, and prepare the Dataverse side."""
    for secret in SECRETS:
        remember(secret, "")
    deploys = deployer()
    deploys.azure.say(deploys.dataverse.prepare(request(), installation()))


if __name__ == "__main__":
    sys.exit(run(finish))
