"""Before `azd provision`: checks, and the fingerprint key if no key vault has one."""

import sys

from azd_environment import deployer, remember, request, run


def prepare() -> None:
    """Check sign-in, rights, region and providers; hand a new fingerprint key to the template, once."""
    wanted, deploys = request(), deployer()
    account = deploys.check(wanted)
    remember("FINGERPRINT_KEY", deploys.parameters(wanted, account)["fingerprintKey"])


if __name__ == "__main__":
    sys.exit(run(prepare))
