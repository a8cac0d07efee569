"""Who may call what: every HTTP route with the role that it needs and the largest body that it reads.

Two roles. An operator looks and repeats: a function key opens these routes. An administrator changes what is written
(the mapping, which record a new subscriber belongs to, erasures that were held), or sees values of people: these routes
need the master key; or, where App Service Authentication is switched on, a function key and a sign-in with the app role
`Spotler.Administrator`. The host checks keys before any code of ours runs.

A route that is not in the table cannot be registered with `http_function`, and a test refuses routes that are
registered in another way.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.workbook.files import LARGEST

ADMINISTRATOR_ROLE = "Spotler.Administrator"
"""The app role, as it is defined on the app registration behind App Service Authentication."""

PRINCIPAL = "x-ms-client-principal"
"""Set by App Service Authentication, which takes it off requests from outside. Without it anybody could send one."""

_SIGN_IN = "WEBSITE_AUTH_ENABLED"
"""Set by App Service, to True, while its authentication is switched on."""

_ROLE_CLAIMS = frozenset({"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"})
_LONGEST_PRINCIPAL = 32_000

_NO_BODY = 1_000
_FEW_IDS = 100_000
_MANY_IDS = 500_000
"""Bytes: ten thousand ids, with room to spare."""


class Role(StrEnum):
    """Who a caller must be."""

    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class Shown(StrEnum):
    """What an answer may hold."""

    CODES = "codes"
    """Ids, codes, names of columns: no values of people."""

    VALUES = "values"
    """What people are called, where they live: only for administrators."""


@dataclass(frozen=True, slots=True)
class Route:
    """A function that answers HTTP. `path` is the template without the prefix `api/`."""

    method: func.HttpMethod
    path: str
    role: Role
    most_bytes: int = _NO_BODY
    shown: Shown = Shown.CODES


_GET, _POST, _PUT = func.HttpMethod.GET, func.HttpMethod.POST, func.HttpMethod.PUT

ROUTES: Mapping[str, Route] = {
    "health": Route(_GET, "health", Role.OPERATOR),
    "explain": Route(_GET, "explain/{table}/{id}", Role.OPERATOR),
    "explain_values": Route(_GET, "explain/{table}/{id}/values", Role.ADMINISTRATOR, shown=Shown.VALUES),
    "list_overview": Route(_GET, "lists/{id}", Role.OPERATOR),
    "list_left_out": Route(_GET, "lists/{id}/left-out", Role.OPERATOR),
    "resync": Route(_POST, "resync", Role.OPERATOR, _MANY_IDS),
    "dead_letters": Route(_GET, "dead-letters", Role.OPERATOR),
    "replay": Route(_POST, "dead-letters/replay", Role.OPERATOR, _FEW_IDS),
    "check_capabilities": Route(_POST, "capabilities/check", Role.OPERATOR),
    "export_consent": Route(_GET, "consent.csv", Role.OPERATOR),
    "report_bounces": Route(_GET, "bounces", Role.OPERATOR),
    "brake": Route(_GET, "brake", Role.OPERATOR),
    "release_brake": Route(_POST, "brake/release", Role.ADMINISTRATOR),
    "lift_refusals": Route(_POST, "suppressions/lift", Role.ADMINISTRATOR),
    "export_person": Route(_POST, "people/export", Role.ADMINISTRATOR),
    "forget_person": Route(_POST, "people/forget", Role.ADMINISTRATOR),
    "poll_now": Route(_POST, "poll", Role.OPERATOR),
    "list_reviews": Route(_GET, "reviews", Role.OPERATOR),
    "decide_review": Route(_POST, "reviews/{id}", Role.ADMINISTRATOR),
    "read_mapping": Route(_GET, "mapping", Role.OPERATOR),
    "mapping_history": Route(_GET, "mapping/history", Role.OPERATOR),
    "check_mapping": Route(_POST, "mapping/check", Role.OPERATOR, LARGEST),
    "preview_mapping": Route(_POST, "mapping/preview", Role.ADMINISTRATOR, LARGEST, Shown.VALUES),
    "apply_mapping": Route(_PUT, "mapping", Role.ADMINISTRATOR, LARGEST),
    "roll_back_mapping": Route(_POST, "mapping/rollback/{version}", Role.ADMINISTRATOR),
    "restore_default_mapping": Route(_POST, "mapping/defaults", Role.ADMINISTRATOR),
}
"""By the name of the function."""


def routes_table() -> str:
    """Return one row per route, as Markdown, for `docs/security.md`."""
    rows = ["| call | role | largest body | answers hold |", "|---|---|---|---|"]
    rows += [
        f"| `{route.method.value} /api/{route.path}` | {route.role} | {route.most_bytes:,} bytes | {route.shown} |"
        for route in ROUTES.values()
    ]
    return "\n".join(rows)


def sign_in_is_on(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether App Service Authentication stands before the app, so that its header can be believed."""
    return environment.get(_SIGN_IN, "").casefold() == "true"


def level_of(role: Role, *, sign_in: bool) -> func.AuthLevel:
    """Return the key that the host demands. With sign-in, the app itself looks for an administrator's role."""
    match role:
        case Role.ADMINISTRATOR if not sign_in:
            return func.AuthLevel.ADMIN
        case Role.ADMINISTRATOR | Role.OPERATOR:
            return func.AuthLevel.FUNCTION


def may_call(role: Role, principal: str, *, sign_in: bool) -> bool:
    """Tell whether a caller whose key the host has accepted may go on. `principal` is the header, or empty."""
    match role:
        case Role.ADMINISTRATOR if sign_in:
            return ADMINISTRATOR_ROLE in roles_of(principal)
        case Role.ADMINISTRATOR | Role.OPERATOR:
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
    """Read the app roles of who signed in with Microsoft Entra; none if the header is nothing of the kind."""
    if not principal or len(principal) > _LONGEST_PRINCIPAL:
        return frozenset()
    try:
        who = _Principal.model_validate_json(base64.b64decode(principal, validate=True))
    except (binascii.Error, ValueError, ValidationError):
        return frozenset()
    if who.auth_typ != "aad":
        return frozenset()
    return frozenset(claim.val for claim in who.claims if claim.typ in _ROLE_CLAIMS)
