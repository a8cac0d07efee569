"""Deploys the template: its parameters, what it would change, its outputs."""

import secrets
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from shared.deployment.command_line.azure import Azure
from shared.deployment.command_line.files import private_json
from shared.deployment.request import (
    PREMIUM_SETTINGS,
    TEMPLATE_SETTINGS,
    Account,
    DeploymentRequest,
    Installation,
)
from shared.errors import ConfigurationError

FINGERPRINT_SECRET = "fingerprint-key"  # noqa: S105  # the name of a secret
_SPOTLER_SECRETS = ("spotler-key", "spotler-secret")
_VAULT_VERSION = "2023-07-01"
_PAUSE = 30.0


def parameters(azure: Azure, account: Account, request: DeploymentRequest) -> dict[str, Any]:
    """Return the parameters of the template.

    The fingerprint key is made once: when no key vault of this deployment has one. ConfigurationError if Spotler's
    secrets are neither given nor stored.
    """
    stored = _stored_secrets(azure, request)
    given = dict(zip(_SPOTLER_SECRETS, (request.spotler_key, request.spotler_secret), strict=True))
    if absent := [name for name, value in given.items() if not value and name not in stored]:
        names = " and ".join(name.upper().replace("-", "_") for name in absent)
        raise ConfigurationError(f"{names} must be in the environment: the key vault has none yet")
    return {
        "environmentName": request.environment,
        "location": request.location,
        "dataverseUrl": request.dataverse_url,
        "spotlerKey": request.spotler_key,
        "spotlerSecret": request.spotler_secret,
        "fingerprintKey": "" if FINGERPRINT_SECRET in stored else secrets.token_urlsafe(32),
        "alarmEmails": list(request.alarm_emails),
        "timeZone": request.time_zone,
        "plan": str(request.plan),
        "createRoleAssignments": request.assign_roles,
        "closedNetwork": request.closed_network,
        "deployerId": account.principal,
        "deployerType": account.principal_kind,
        "appSettings": _further_settings(azure, request),
    }


def changes(azure: Azure, request: DeploymentRequest, values: dict[str, Any]) -> list[str]:
    """Return what a deployment would change, one line for each resource; nothing is changed."""
    with _parameter_file(values) as file:
        found = azure.ask(
            "asking what would change", "deployment", "group", "what-if", *_template(request, file), "--no-pretty-print"
        )
    return [
        f"{one['changeType'].lower()} {one['resourceId'].partition('/providers/')[2]}"
        for one in found["changes"]
        if one["changeType"] not in {"NoChange", "Ignore"}
    ]


def provision(azure: Azure, request: DeploymentRequest, values: dict[str, Any]) -> Installation:
    """Create and update every resource. Repeatable: what exists stays, and keeps its data."""
    azure.ask("creating the resource group", "group", "create", "--name", request.group, "--location", request.location)
    with _parameter_file(values) as file:
        made = azure.ask("deploying the template", "deployment", "group", "create", *_template(request, file))
    return Installation.of(made["properties"]["outputs"])


def existing(azure: Azure, request: DeploymentRequest) -> Installation | None:
    """Return what the last deployment has made; None if it did not end well, or there was none."""
    outputs = _last_run(azure, request).get("outputs")
    return Installation.of(outputs) if outputs else None


def queue_key(azure: Azure, request: DeploymentRequest, installation: Installation) -> str:
    """Return the key with which Dataverse sends to its queue; it is never printed."""
    named = ("--name", installation.rule, "--queue-name", installation.queue, "--resource-group", request.group)
    place = (*named, "--namespace-name", installation.namespace.partition(".")[0])
    keys = azure.ask(
        "reading the key of the queue", "servicebus", "queue", "authorization-rule", "keys", "list", *place
    )
    return str(keys["primaryKey"])


def wait_for_former_run(azure: Azure, request: DeploymentRequest) -> None:
    """Wait for a deployment whose command was killed: Azure finishes it, and may be making the fingerprint key."""
    while _last_run(azure, request).get("provisioningState") in {"Accepted", "Running"}:
        azure.say("A former run is still deploying; waiting for it")
        azure.wait(_PAUSE)


def _last_run(azure: Azure, request: DeploymentRequest) -> dict[str, Any]:
    named = ("--resource-group", request.group, "--name", request.name)
    shown = azure.find("looking for the deployment", "deployment", "group", "show", *named)
    found: dict[str, Any] = (shown or {}).get("properties") or {}
    return found


def _template(request: DeploymentRequest, file: Path) -> list[str]:
    template = str(request.root / "infra" / "main.bicep")
    named = ["--resource-group", request.group, "--name", request.name]
    return [*named, "--template-file", template, "--parameters", f"@{file}"]


def _parameter_file(values: dict[str, Any]) -> AbstractContextManager[Path]:
    """Write the parameters to a file; secrets are among them."""
    given = {name: {"value": one} for name, one in values.items()}
    return private_json({"contentVersion": "1.0.0.0", "parameters": given})


def _stored_secrets(azure: Azure, request: DeploymentRequest) -> set[str]:
    """Return the names of the secrets that the key vault of the environment has, read without their values."""
    listed = azure.find("looking for key vaults", "keyvault", "list", "--resource-group", request.group) or []
    vaults = [one for one in listed if (one.get("tags") or {}).get("azd-env-name") == request.environment]
    found: set[str] = set()
    for vault in vaults:
        for name in (FINGERPRINT_SECRET, *_SPOTLER_SECRETS):
            if azure.read("looking for a secret", f"{vault['id']}/secrets/{name}", _VAULT_VERSION):
                found.add(name)
    return found


def _further_settings(azure: Azure, request: DeploymentRequest) -> dict[str, str]:
    """Return the settings that somebody added to the app: the template would drop them."""
    listed = azure.find("looking for the app", "functionapp", "list", "--resource-group", request.group) or []
    ours = {name.casefold() for name in TEMPLATE_SETTINGS | PREMIUM_SETTINGS}
    found: dict[str, str] = {}
    for app in listed:
        if (app.get("tags") or {}).get("azd-env-name") == request.environment:
            named = ("--resource-group", request.group, "--name", app["name"])
            settings = azure.ask("reading the settings", "functionapp", "config", "appsettings", "list", *named)
            found |= {one["name"]: one["value"] for one in settings if one["name"].casefold() not in ours}
    return found
