"""After `azd provision`: the fingerprint key leaves azd's file, which has it in clear; the Dataverse side."""

import os
import sys

from azd_environment import azure, remember, request, run

from shared.deployment.dataverse_side import ByHand
from shared.deployment.request import Installation


def finish() -> None:
    """Forget the key, which the key vault has now, and install the Dataverse side."""
    remember("FINGERPRINT_KEY", "")
    outputs = {name: {"value": value} for name, value in os.environ.items()}
    azure().say(ByHand().install(request(), Installation.of(outputs)))


if __name__ == "__main__":
    sys.exit(run(finish))
