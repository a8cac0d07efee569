"""The running app: waits until it answers, and looks at its key vault references."""

from collections.abc import Callable

from shared.deployment.command_line.azure import Azure
from shared.deployment.request import Account, DeploymentRequest, Installation
from shared.deployment.web import HealthAnswer, Web
from shared.errors import ConfigurationError

_WEB_VERSION = "2024-04-01"
_CURES = {
    "SecretNotFound": "run python -m shared deploy again: the key vault lacks the secret",
    "AccessToKeyVaultDenied": "assign the role Key Vault Secrets User to the app's identity, or wait for it",
    "VaultNotFound": "run python -m shared deploy again: the key vault is gone",
    "MSINotEnabled": "run python -m shared deploy again: the app has lost its identity",
}
_PAUSE, _LONGEST = 10.0, 300.0
_OK, _NOTHING_THERE = 200, frozenset({0, 404})


def wait_for_health(azure: Azure, request: DeploymentRequest, installation: Installation, web: Web) -> HealthAnswer:
    """Wait until the app answers, five minutes at most; ConfigurationError if it does not."""
    key = function_key(azure, request, installation)
    left = _LONGEST
    while True:
        answer = web.health(installation.host, key)
        if answer.status == _OK or left <= 0:
            break
        azure.wait(_PAUSE)
        left -= _PAUSE
    if answer.status in _NOTHING_THERE:
        raise ConfigurationError(
            f"https://{installation.host}/api/health does not answer ({answer.status}): look at the log stream of "
            f"{installation.app}; ConfigurationError there names a wrong setting"
        )
    return answer


def health_problems(azure: Azure, request: DeploymentRequest, installation: Installation, web: Web) -> list[str]:
    """Return what is not well now, without waiting."""
    answer = web.health(installation.host, function_key(azure, request, installation))
    if answer.problems or answer.status == _OK:
        return list(answer.problems)
    return [f"GET /api/health answers {answer.status or 'nothing'}: look at the log stream of {installation.app}"]


def function_key(azure: Azure, request: DeploymentRequest, installation: Installation) -> str:
    """Return the key that opens the HTTP routes; it is never printed."""
    named = ("--resource-group", request.group, "--name", installation.app)
    keys = azure.ask("reading the function key", "functionapp", "keys", "list", *named)
    key: str = (keys.get("functionKeys") or {}).get("default", "")
    return key


def broken_references(
    azure: Azure, account: Account, request: DeploymentRequest, installation: Installation
) -> list[str]:
    """Return each setting whose key vault reference does not resolve, with its cure."""
    site = f"/subscriptions/{account.subscription}/resourceGroups/{request.group}/providers/Microsoft.Web/sites"
    path = f"{site}/{installation.app}/config/configreferences/appsettings"
    listed = (azure.read("reading the key vault references", path, _WEB_VERSION) or {}).get("value", [])
    states = {one["name"]: one["properties"]["status"] for one in listed}
    return [
        f"{name} does not resolve ({state}): {_CURES.get(state, 'look at Environment variables in the portal')}"
        for name, state in states.items()
        if state != "Resolved"
    ]


def wait_for_references(azure: Azure, look: Callable[[], list[str]]) -> None:
    """Wait until all references resolve: the right to read them may be new. ConfigurationError if they do not."""
    left = _LONGEST
    while (broken := look()) and left > 0:
        azure.say("waiting for the key vault references")
        azure.wait(_PAUSE)
        left -= _PAUSE
    if broken:
        raise ConfigurationError("; ".join(broken))
