"""Before `azd provision`: checks, and the fingerprint key if no key vault has one."""

import sys

from azd_environment import azure, remember, request, run

from shared.deployment.checks import check_region, check_rights, missing_providers, register, signed_in
from shared.deployment.provisioning import parameters, wait_for_former_run


def prepare() -> None:
    """Check sign-in, rights, region and providers; hand a new fingerprint key to the template, once."""
    wanted, cloud = request(), azure()
    account = signed_in(cloud)
    may = check_rights(cloud, account, wanted)
    check_region(cloud, wanted)
    register(cloud, missing_providers(cloud), may)
    wait_for_former_run(cloud, wanted)
    remember("FINGERPRINT_KEY", parameters(cloud, account, wanted)["fingerprintKey"])


if __name__ == "__main__":
    sys.exit(run(prepare))
