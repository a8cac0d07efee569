"""The templates under test: as a new deployment has them, and with every switch on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bicep.templates import Deployment, deploy

PROJECT = Path(__file__).parents[3]
INFRA = PROJECT / "infra"
MAIN = INFRA / "main.bicep"

BARE: dict[str, Any] = {"environmentName": "my-test", "dataverseUrl": "https://contoso.crm4.dynamics.com"}
SECRETS = {"spotlerKey": "spotler-key-7", "spotlerSecret": "spotler-secret-8", "fingerprintKey": "f" * 32}
FULL: dict[str, Any] = {
    **BARE,
    **SECRETS,
    "alarmEmails": ["night@contoso.com", "day@contoso.com"],
    "closedNetwork": True,
    "diagnostics": True,
    "purgeProtection": False,
    "signInClientId": "11111111-2222-3333-4444-555555555555",
    "deployerId": "66666666-2222-3333-4444-555555555555",
}
VARIANTS = {
    "bare": BARE,
    "first": {**BARE, **SECRETS},
    "full": FULL,
    "premium": {**BARE, "plan": "premium"},
    "full-premium": {**FULL, "plan": "premium"},
    "without-roles": {**BARE, "createRoleAssignments": False},
}


def made(variant: str) -> Deployment:
    return deploy(MAIN, VARIANTS[variant])


def settings_of(deployment: Deployment) -> dict[str, str]:
    [settings] = [one for one in deployment.of("Microsoft.Web/sites/config") if one.name.endswith("/appsettings")]
    found: dict[str, str] = settings.body["properties"]
    return found
