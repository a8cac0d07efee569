"""Deploys the template: its parameters, what it would change, its outputs."""

import secrets
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from shared.deployment.command_line.azure import Azure
from shared.deployment.command_line.files import private_json
from shared.deployment.request import (
    PREMIUM_SETTINGS,
    TEMPLATE_SETTINGS,
    TIME_ZONE_SETTINGS,
    Account,
    DeploymentRequest,
    Installation,
    RunningApp,
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
        "instanceMemory": request.instance_memory,
        "maximumInstances": request.maximum_instances,
        "diagnostics": request.diagnostics,
        "retentionDays": request.retention_days,
        "purgeProtection": request.purge_protection,
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
    """Create and update every resource. Repeatable: what exists stays, and keeps its data.

    Azure is asked first: it refuses names, regions, quotas and policies before it makes anything.
    """
    azure.ask("creating the resource group", "group", "create", "--name", request.group, "--location", request.location)
    with _parameter_file(values) as file:
        azure.ask(
            "asking Azure whether it would take the template (nothing is changed yet)",
            *("deployment", "group", "validate", *_template(request, file)),
        )
        made = azure.ask("deploying the template", "deployment", "group", "create", *_template(request, file))
    return Installation.of(made["properties"]["outputs"])


def existing(azure: Azure, request: DeploymentRequest) -> RunningApp | None:
    """Return the app of an environment, whoever deployed it and however the last deployment ended; None without one."""
    app = next(iter(_apps(azure, request)), None)
    return RunningApp(app["name"], app["defaultHostName"]) if app else None


def queue_key(azure: Azure, request: DeploymentRequest, installation: Installation) -> str:
    """Return the key with which Dataverse sends to its queue; it is never printed."""
    named = ("--name", installation.rule, "--queue-name", installation.queue, "--resource-group", request.group)
    place = (*named, "--namespace-name", installation.namespace.partition(".")[0])
    keys = azure.ask(
        "reading the key of the queue", "servicebus", "queue", "authorization-rule", "keys", "list", *place
    )
    return str(keys["primaryKey"])


def wait_for_former_run(azure: Azure, request: DeploymentRequest) -> None:
    """Wait for a deployment whose command was killed: Azure finishes it, and may be making the fingerprint key.

    azd gives each of its deployments another name, so they are recognised by the environment that they are for.
    """
    while _is_deploying(azure, request):
        azure.say("A former run is still deploying; waiting for it")
        azure.wait(_PAUSE)


def _is_deploying(azure: Azure, request: DeploymentRequest) -> bool:
    listed = azure.find("looking for former runs", "deployment", "group", "list", "--resource-group", request.group)
    runs = [one["properties"] for one in listed or []]
    return any(
        one.get("provisioningState") in {"Accepted", "Running"}
        and ((one.get("parameters") or {}).get("environmentName") or {}).get("value") == request.environment
        for one in runs
    )


def _apps(azure: Azure, request: DeploymentRequest) -> list[dict[str, Any]]:
    listed = azure.find("looking for the app", "functionapp", "list", "--resource-group", request.group) or []
    return [one for one in listed if (one.get("tags") or {}).get("azd-env-name") == request.environment]


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
    ours = {name.casefold() for name in TEMPLATE_SETTINGS | PREMIUM_SETTINGS | TIME_ZONE_SETTINGS}
    found: dict[str, str] = {}
    for app in _apps(azure, request):
        settings = settings_of(azure, request, app["name"])
        found |= {name: value for name, value in settings.items() if name.casefold() not in ours}
    return found


def setting_problems(settings: Collection[str]) -> list[str]:
    """Return each setting that the app lacks, or must not have, with its cure; names alone, no values."""
    names = {name.casefold() for name in settings}
    missing = [name for name in sorted(TEMPLATE_SETTINGS) if name.casefold() not in names]
    unwanted = [name for name in sorted(TIME_ZONE_SETTINGS) if name.casefold() in names]
    return [
        *(f"The setting {name} is missing: run python -m shared deploy again, or azd provision" for name in missing),
        *(f"The setting {name} breaks the app: remove it; SCHEDULE_TIME_ZONE is for schedules" for name in unwanted),
    ]


def settings_of(azure: Azure, request: DeploymentRequest, app: str) -> dict[str, str]:
    """Return the settings of an app, with their values."""
    named = ("--resource-group", request.group, "--name", app)
    listed = azure.ask("reading the settings", "functionapp", "config", "appsettings", "list", *named)
    return {one["name"]: one["value"] for one in listed}
