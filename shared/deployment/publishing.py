"""Publishes the code, as the hosting plan wants it."""

from pathlib import Path

from shared.deployment.command_line.azure import Azure
from shared.deployment.dependencies import Dependencies
from shared.deployment.package import Package, build_package
from shared.deployment.request import Account, DeploymentRequest, Installation, Plan

BLOB = "connector.zip"
"""The package on the plan premium, as `infra/modules/app.bicep` names it."""

_WEB_VERSION = "2024-04-01"


def build(request: DeploymentRequest, target: Path) -> Package:
    """Build the package; on the plan premium nobody installs requirements.txt later."""
    match request.plan:
        case Plan.FLEX:
            return build_package(request.root, target)
        case Plan.PREMIUM:
            return build_package(request.root, target, dependencies=Dependencies.PACKED)


def publish(
    azure: Azure, account: Account, request: DeploymentRequest, installation: Installation, package: Path
) -> None:
    """Publish a package. A new role may take minutes until the upload succeeds."""
    match request.plan:
        case Plan.FLEX:
            _let_azure_build(azure, request, installation, package)
        case Plan.PREMIUM:
            _upload(azure, account, request, installation, package)


def _let_azure_build(azure: Azure, request: DeploymentRequest, installation: Installation, package: Path) -> None:
    azure.ask(
        "publishing the code", "functionapp", "deployment", "source", "config-zip", "--resource-group", request.group,
        "--name", installation.app, "--src", str(package), "--build-remote", "true",
    )  # fmt: skip


def _upload(
    azure: Azure, account: Account, request: DeploymentRequest, installation: Installation, package: Path
) -> None:
    """Replace the blob from which the app runs, restart the app, and tell the platform of its triggers."""
    azure.ask(
        "uploading the package", "storage", "blob", "upload", "--auth-mode", "login", "--account-name",
        installation.storage, "--container-name", installation.container, "--name", BLOB, "--file", str(package),
        "--overwrite", "true",
    )  # fmt: skip
    named = ("--resource-group", request.group, "--name", installation.app)
    azure.ask("restarting the app", "functionapp", "restart", *named)
    site = f"/subscriptions/{account.subscription}/resourceGroups/{request.group}/providers/Microsoft.Web/sites"
    url = f"https://management.azure.com{site}/{installation.app}/syncfunctiontriggers?api-version={_WEB_VERSION}"
    azure.ask("telling the platform of the triggers", "rest", "--method", "post", "--url", url)
