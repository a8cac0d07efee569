"""Checks before anything is changed: sign-in, rights, resource providers, region."""

from collections.abc import Callable

from shared.deployment.command_line.azure import Azure
from shared.deployment.request import PROVIDERS, Account, DeploymentRequest, Plan
from shared.errors import ConfigurationError

_DEPLOYS, _ASSIGNS, _REGISTERS = (
    "Microsoft.Resources/deployments/write",
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Web/register/action",
)


def signed_in(azure: Azure) -> Account:
    """Return who is signed in."""
    account = azure.ask("asking who is signed in", "account", "show")
    is_person = account["user"]["type"] == "user"
    kind = "User" if is_person else "ServicePrincipal"
    if is_person:
        found = azure.find("asking for your object id", "ad", "signed-in-user", "show")
    else:
        found = azure.find("asking for the object id", "ad", "sp", "show", "--id", account["user"]["name"])
    return Account(account["id"], account["tenantId"], (found or {}).get("id", ""), kind)


def check_rights(azure: Azure, account: Account, request: DeploymentRequest) -> Callable[[str], bool]:
    """ConfigurationError if whoever is signed in may not deploy, or may not assign roles that are to be assigned."""
    subscription = f"/subscriptions/{account.subscription}"
    group = f"{subscription}/resourceGroups/{request.group}"
    exists = azure.find("looking for the resource group", "group", "show", "--name", request.group)
    scope = group if exists else subscription
    may = azure.rights(scope)
    if not may(_DEPLOYS):
        where = f"the resource group {request.group}" if exists else "the subscription, or a resource group made for it"
        raise ConfigurationError(f"You may not deploy: ask for the role Contributor on {where}")
    if request.assign_roles and not may(_ASSIGNS):
        raise ConfigurationError(
            "You may not assign roles: ask for the role Role Based Access Control Administrator on the resource group, "
            "or run with --without-roles and give an administrator the roles of docs/howto/deploy.md"
        )
    return may


def missing_providers(azure: Azure) -> list[str]:
    """Return the resource providers that are not registered."""
    listed = azure.ask("listing the resource providers", "provider", "list")
    registered = {one["namespace"].lower() for one in listed if one["registrationState"] == "Registered"}
    return [name for name in PROVIDERS if name.lower() not in registered]


def register(azure: Azure, names: list[str], may: Callable[[str], bool]) -> None:
    """Register resource providers and wait for them; ConfigurationError without the right to."""
    if names and not may(_REGISTERS):
        commands = "; ".join(f"az provider register --namespace {name}" for name in names)
        raise ConfigurationError(f"Providers are not registered. Ask an owner of the subscription to run: {commands}")
    for name in names:
        azure.say(f"registering {name}")
        azure.ask(f"registering {name}", "provider", "register", "--namespace", name, "--wait")


def check_region(azure: Azure, request: DeploymentRequest) -> None:
    """ConfigurationError, with the regions that do, if the region does not offer the plan; every region has premium."""
    if request.plan is Plan.PREMIUM:
        return
    listed = azure.ask("listing the regions", "functionapp", "list-flexconsumption-locations")
    names = sorted(one["name"].replace(" ", "").lower() for one in listed)
    if request.location.replace(" ", "").lower() not in names:
        raise ConfigurationError(
            f"{request.location} does not offer Flex Consumption: choose --location from {', '.join(names)}"
        )
