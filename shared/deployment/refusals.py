"""What Azure's refusals mean, whether waiting helps, and otherwise what to do."""

import re
from dataclasses import dataclass
from enum import Enum

from shared.deployment.az import AzAnswer
from shared.errors import ConfigurationError


class Recovery(Enum):
    """What helps against a refusal."""

    WAIT = "wait"
    ACT = "act"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal in words. `seconds` is how long to wait before the next attempt."""

    cause: str
    cure: str
    recovery: Recovery
    seconds: float = 15.0

    def __str__(self) -> str:
        return f"{self.cause}: {self.cure}"


_WAITING: tuple[tuple[str, str, float], ...] = (
    (r"TooManyRequests|\b429\b", "Azure asks for a pause", 30.0),
    (r"DeploymentActive", "the deployment of a former run is still under way", 30.0),
    (r"InaccessibleStorage|AuthorizationPermissionMismatch|PrincipalNotFound", "a new role is not in force yet", 20.0),
    (r"\b50[234]\b|ServiceUnavailable|GatewayTimeout|connection (was )?(reset|aborted)", "Azure does not answer", 20.0),
    (r"AnotherOperationInProgress|OperationNotAllowedOnResource|\bConflict\b.*deployment", "Azure is still busy", 20.0),
)
_ACTING: tuple[tuple[str, str, str], ...] = (
    (r"az login|AADSTS|InteractionRequired|No subscription", "you are not signed in", "run az login, and choose the "
     "subscription with az account set --subscription NAME"),
    (r"roleAssignments/write|RoleAssignmentUpdateNotPermitted", "you may not assign roles", "ask for the role Role Based "
     "Access Control Administrator on the resource group, or run with --without-roles and give an administrator the "
     "roles of docs/howto/deploy.md"),
    (r"AuthorizationFailed|does not have authorization", "a right is missing", "ask for the role Contributor on the "
     "resource group"),
    (r"MissingSubscriptionRegistration|not registered to use namespace", "a resource provider is not registered",
     "run az provider register --namespace NAME, or ask an owner of the subscription to"),
    (r"StorageAccountAlreadyTaken|AlreadyInUse|NamespaceUnavailable|WebsiteAlreadyExists", "a name is taken in Azure",
     "choose another --environment: names are made from it"),
    (r"VaultAlreadyExists|soft.?deleted|ConflictError", "a deleted key vault still has the name",
     "run az keyvault recover --name NAME, or choose another --environment"),
    (r"LocationNotAvailable|not available (for|in) .*(location|region)", "the region does not offer a resource",
     "choose another --location: az functionapp list-flexconsumption-locations"),
    (r"Quota|SubscriptionIsOverQuota", "a quota is used up", "ask for more in the portal (Quotas), or choose another "
     "--location"),
    (r"RequestDisallowedByPolicy", "a policy of your organisation forbids a resource",
     "ask those who keep the policy; --closed-network satisfies most of them"),
)  # fmt: skip


def refusal(answer: AzAnswer) -> Refusal:
    """Return what a refusal means."""
    text = answer.error or answer.output
    for pattern, cause, cure in _ACTING:
        if re.search(pattern, text, re.IGNORECASE):
            return Refusal(cause, f"{cure}. Azure says: {_short(text)}", Recovery.ACT)
    for pattern, cause, seconds in _WAITING:
        if re.search(pattern, text, re.IGNORECASE):
            named = re.search(r"retry.?after\D{0,20}(\d+)", text, re.IGNORECASE)
            wait = float(named[1]) if named else seconds
            return Refusal(cause, "try again in a few minutes", Recovery.WAIT, wait)
    return Refusal("Azure refused", _short(text) or "it gave no reason", Recovery.ACT)


def failed(action: str, why: Refusal) -> ConfigurationError:
    """Return the error of an action that Azure refused for good."""
    return ConfigurationError(f"{action} failed, {why}")


def _short(text: str) -> str:
    """Return the telling part of az's text, without its banner."""
    lines = [line.removeprefix("ERROR: ").strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines)[:600]
