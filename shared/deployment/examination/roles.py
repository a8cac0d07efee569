"""The roles of the app's identity in Azure: those of `infra/modules/`, or the like that an administrator assigned."""

from dataclasses import dataclass

from shared.deployment.command_line.azure import Azure
from shared.deployment.request import Account, DeploymentRequest


@dataclass(frozen=True, slots=True)
class NeededRole:
    """A built-in role, by its id and name, and the type of the resource on which the identity needs it."""

    id: str
    name: str
    resource: str


_STORAGE = "Microsoft.Storage/storageAccounts"
NEEDED = (
    NeededRole("b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "Storage Blob Data Owner", _STORAGE),
    NeededRole("974c5e8b-45b9-4653-ba55-5f855dd0fb88", "Storage Queue Data Contributor", _STORAGE),
    NeededRole("0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", "Storage Table Data Contributor", _STORAGE),
    NeededRole(
        "090c5cfd-751d-490a-894a-3ce6f1109419", "Azure Service Bus Data Owner", "Microsoft.ServiceBus/namespaces"
    ),
    NeededRole("4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User", "Microsoft.KeyVault/vaults"),
    NeededRole("3913510d-42f4-4e42-8a64-420c390055eb", "Monitoring Metrics Publisher", "Microsoft.Insights/components"),
)


def role_problems(azure: Azure, account: Account, request: DeploymentRequest) -> list[str]:
    """Return each role that the identity lacks, with the command that assigns it."""
    listed = azure.find("looking for the identity", "identity", "list", "--resource-group", request.group) or []
    ours = [one for one in listed if (one.get("tags") or {}).get("azd-env-name") == request.environment]
    if not ours:
        return ["The identity of the app is gone: run python -m shared deploy again, or azd provision"]
    principal = ours[0]["principalId"]
    assigned = azure.ask(
        "reading the roles of the identity", "role", "assignment", "list", "--all", "--assignee", principal,
        "--fill-principal-name", "false",
    )  # fmt: skip
    group = f"/subscriptions/{account.subscription}/resourceGroups/{request.group}"
    given = {(one["roleDefinitionId"].rpartition("/")[2].lower(), one["scope"]) for one in assigned}
    return [
        f"The identity of the app lacks the role {needed.name} on its resource of the type {needed.resource}: run "
        f"python -m shared deploy again, or az role assignment create --assignee-object-id {principal} "
        f"--assignee-principal-type ServicePrincipal --role {needed.id} --scope {group}"
        for needed in NEEDED
        if not any(role == needed.id and _covers(scope, group, needed.resource) for role, scope in given)
    ]


def _covers(scope: str, group: str, resource: str) -> bool:
    """Whether a scope is such a resource of the group, the group itself, or what it lies in."""
    scope, group = scope.rstrip("/").lower(), group.lower()
    above = group == scope or group.startswith(f"{scope}/") or scope.startswith("/providers/microsoft.management/")
    return above or scope.startswith(f"{group}/providers/{resource.lower()}/")
