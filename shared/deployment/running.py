"""The running app: waits until it answers, and looks at its key vault references."""

from collections.abc import Callable

from shared.deployment.command_line.azure import Azure
from shared.deployment.request import Account, DeploymentRequest, RunningApp
from shared.deployment.web import Access, HealthAnswer, Web
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
_REFUSED = frozenset({302, 401, 403})
"""With sign-in, a caller without a token is sent to the page for it."""


def wait_for_health(azure: Azure, installation: RunningApp, web: Web, access: Access) -> HealthAnswer:
    """Wait until the app answers, five minutes at most; ConfigurationError if it does not."""
    left = _LONGEST
    while True:
        answer = web.health(installation.host, access)
        if answer.status == _OK or left <= 0:
            break
        azure.wait(_PAUSE)
        left -= _PAUSE
    if answer.status in _NOTHING_THERE:
        raise ConfigurationError(
            f"https://{installation.host}/api/health does not answer ({answer.status}): look at the log stream of "
            f"{installation.app}; ConfigurationError there names a wrong setting"
        )
    if answer.status in _REFUSED:
        raise ConfigurationError(_refusal(installation, access))
    return answer


def health_problems(installation: RunningApp, web: Web, access: Access) -> list[str]:
    """Return what is not well now, without waiting."""
    answer = web.health(installation.host, access)
    if answer.problems or answer.status == _OK:
        return list(answer.problems)
    if answer.status in _REFUSED:
        return [_refusal(installation, access)]
    return [f"GET /api/health answers {answer.status or 'nothing'}: look at the log stream of {installation.app}"]


def _refusal(installation: RunningApp, access: Access) -> str:
    given = "your token" if access.token else "the function key"
    return f"https://{installation.host}/api/health refuses {given}: see Sign-in in docs/howto/deploy.md"


def access_to(azure: Azure, account: Account, request: DeploymentRequest, installation: RunningApp) -> Access:
    """Return what opens the HTTP routes to whoever is signed in; it is never printed.

    ConfigurationError if App Service Authentication is on, and Entra gives no token for its app registration.
    """
    named = ("--resource-group", request.group, "--name", installation.app)
    keys = azure.ask("reading the function key", "functionapp", "keys", "list", *named)
    key: str = (keys.get("functionKeys") or {}).get("default", "")
    path = f"{_site(account, request, installation)}/config/authsettingsV2"
    match (azure.read("reading the sign-in of the app", path, _WEB_VERSION) or {}).get("properties"):
        case {
            "platform": {"enabled": True},
            "identityProviders": {"azureActiveDirectory": {"registration": {"clientId": str(client)}}},
        }:
            return Access(key, _token(azure, client))
        case _:
            return Access(key)


def _token(azure: Azure, client: str) -> str:
    """Return a token for the app registration that stands before the routes (`infra/modules/sign-in.bicep`)."""
    found = azure.look("account", "get-access-token", "--resource", f"api://{client}")
    if not found:
        raise ConfigurationError(
            f"App Service Authentication stands before the routes, and you get no token for api://{client}: let the "
            "Azure CLI ask for one, as Sign-in in docs/howto/deploy.md says"
        )
    return str(found["accessToken"])


def broken_references(
    azure: Azure, account: Account, request: DeploymentRequest, installation: RunningApp
) -> list[str]:
    """Return each setting whose key vault reference does not resolve, with its cure."""
    path = f"{_site(account, request, installation)}/config/configreferences/appsettings"
    listed = (azure.read("reading the key vault references", path, _WEB_VERSION) or {}).get("value", [])
    states = {one["name"]: one["properties"]["status"] for one in listed}
    return [
        f"{name} does not resolve ({state}): {_CURES.get(state, 'look at Environment variables in the portal')}"
        for name, state in states.items()
        if state != "Resolved"
    ]


def _site(account: Account, request: DeploymentRequest, installation: RunningApp) -> str:
    group = f"/subscriptions/{account.subscription}/resourceGroups/{request.group}"
    return f"{group}/providers/Microsoft.Web/sites/{installation.app}"


def wait_for_references(azure: Azure, look: Callable[[], list[str]]) -> None:
    """Wait until all references resolve: the right to read them may be new. ConfigurationError if they do not."""
    left = _LONGEST
    while (broken := look()) and left > 0:
        azure.say("waiting for the key vault references")
        azure.wait(_PAUSE)
        left -= _PAUSE
    if broken:
        raise ConfigurationError("; ".join(broken))
