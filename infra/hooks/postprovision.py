"""After `azd provision`: secrets leave azd's file, which has them in clear; the Dataverse side."""

import sys

from azd_environment import deployer, installation, remember, request, run

EMPTY = {"FINGERPRINT_KEY": "", "SPOTLER_KEY": "", "SPOTLER_SECRET": "", "APP_SETTINGS": "{}"}
"""What azd's file has from now on; settings may hold secrets, too."""


def finish() -> None:
    """Forget the secrets and settings, which Azure has now, and prepare the Dataverse side."""
    for name, value in EMPTY.items():
        remember(name, value)
    deploys = deployer()
    deploys.azure.say(deploys.dataverse.prepare(request(), installation()))


if __name__ == "__main__":
    sys.exit(run(finish))
