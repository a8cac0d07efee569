"""Who a caller is who signed in with Microsoft Entra, and what they may call."""

import base64
import binascii

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.triggers.http.access import ADMINISTRATOR_ROLE, CallerRole

_ROLE_CLAIMS = frozenset({"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"})
_LONGEST_PRINCIPAL = 32_000


def may_call(role: CallerRole, principal: str, *, sign_in: bool) -> bool:
    """Whether a caller whose key the host has accepted has the role. `principal` is the header, or empty."""
    match role:
        case CallerRole.ADMINISTRATOR if sign_in:
            return ADMINISTRATOR_ROLE in roles_of(principal)
        case CallerRole.ADMINISTRATOR | CallerRole.OPERATOR:
            return True


class _Claim(BaseModel):
    typ: str
    val: str


class _Principal(BaseModel):
    """Source: Microsoft's page "Work with user identities in Azure App Service authentication"."""

    model_config = ConfigDict(hide_input_in_errors=True)

    auth_typ: str
    claims: list[_Claim] = Field(default=[], max_length=1000)


def roles_of(principal: str) -> frozenset[str]:
    """Return the app roles of a caller that signed in with Microsoft Entra; none if the header is not valid."""
    if not principal or len(principal) > _LONGEST_PRINCIPAL:
        return frozenset()
    try:
        caller = _Principal.model_validate_json(base64.b64decode(principal, validate=True))
    except (binascii.Error, ValueError, ValidationError):
        return frozenset()
    if caller.auth_typ != "aad":
        return frozenset()
    return frozenset(claim.val for claim in caller.claims if claim.typ in _ROLE_CLAIMS)
