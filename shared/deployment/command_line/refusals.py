"""What Azure's refusals mean, whether waiting helps, and otherwise what to do."""

import re
from dataclasses import dataclass
from enum import Enum

from shared.deployment.command_line.az import AzAnswer
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
    (r"InaccessibleStorage|AuthorizationPermissionMismatch|PrincipalNotFound", "a new role is not in force yet", 20.0),
    (r"\b50[234]\b|ServiceUnavailable|GatewayTimeout|connection (was )?(reset|aborted)", "Azure does not answer", 20.0),
    (r"AnotherOperationInProgress|OperationNotAllowedOnResource", "Azure is still busy", 20.0),
)
_SIGN_IN = "run az login, and choose the subscription with az account set --subscription NAME"
_ROLES = (
    "ask for the role Role Based Access Control Administrator on the resource group, or run with --without-roles and "
    "give an administrator the roles of docs/howto/deploy.md"
)
_REGISTER = "run az provider register --namespace NAME, or ask an owner of the subscription to"
_RECOVER = "run az keyvault recover --name NAME, or choose another --environment"
_REGION = "choose another --location: az functionapp list-flexconsumption-locations"
_ACTING: tuple[tuple[str, str, str], ...] = (
    (r"az login|AADSTS|InteractionRequired|No subscription", "you are not signed in", _SIGN_IN),
    (r"roleAssignments/write|RoleAssignmentUpdateNotPermitted", "you may not assign roles", _ROLES),
    (r"AuthorizationFailed|does not have auth", "a right is missing", "ask for Contributor on the resource group"),
    (r"MissingSubscriptionRegistration|not registered to use", "a resource provider is not registered", _REGISTER),
    (r"AlreadyTaken|AlreadyInUse|NamespaceUnavailable", "a name is taken", "choose another --environment"),
    (r"VaultAlreadyExists|soft.?deleted|ConflictError", "a deleted key vault still has the name", _RECOVER),
    (r"LocationNotAvailable|not available (for|in) .*(location|region)", "the region lacks a resource", _REGION),
    (r"Quota", "a quota is used up", "ask for more in the portal (Quotas), or choose another --location"),
    (r"DisallowedByPolicy", "a policy forbids a resource", "ask those who keep the policy, or try --closed-network"),
    (r"DeploymentActive", "another run is deploying", "wait until it ends, and run the command again"),
)


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
