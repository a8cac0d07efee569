"""After `azd provision`: the fingerprint key leaves azd's file, which has it in clear; the Dataverse side."""

import sys

from azd_environment import deployer, installation, remember, request, run


def finish() -> None:
    """Forget the key, which the key vault has now, and prepare the Dataverse side."""
    remember("FINGERPRINT_KEY", "")
    deploys = deployer()
    deploys.azure.say(deploys.dataverse.prepare(request(), installation()))


if __name__ == "__main__":
    sys.exit(run(finish))
