"""Before `azd provision`: checks, the fingerprint key if no key vault has one, and settings that the app keeps."""

import json
import sys

from azd_environment import deployer, remember, request, run


def prepare() -> None:
    """Check sign-in, rights, region and providers; hand a new fingerprint key to the template, once.

    The template replaces all settings of the app, so it gets those that a bundle or somebody in the portal has set.
    """
    wanted, deploys = request(), deployer()
    account = deploys.check(wanted)
    given = deploys.parameters(wanted, account)
    remember("FINGERPRINT_KEY", given["fingerprintKey"])
    remember("APP_SETTINGS", json.dumps(given["appSettings"]))


if __name__ == "__main__":
    sys.exit(run(prepare))
