"""The roles of the console. A reader sees ids and codes, an operator repeats, an administrator changes and sees values.

The roles are app roles of the registration behind App Service Authentication (`docs/howto/console.md`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What a user may do; a higher role includes the lower ones."""

    READER = 1
    OPERATOR = 2
    ADMINISTRATOR = 3

    @property
    def code(self) -> str:
        """The role in sessions, links and the audit log."""
        return self.name.lower()


APP_ROLES: Mapping[str, Role] = {
    "Spotler.Reader": Role.READER,
    "Spotler.Operator": Role.OPERATOR,
    "Spotler.Administrator": Role.ADMINISTRATOR,
}
"""App roles in Microsoft Entra."""


@dataclass(frozen=True, slots=True)
class User:
    """Who uses the console: an id for the audit log (Entra's object id, or `local`), never a name."""

    id: str
    role: Role


def role_of(app_roles: Collection[str]) -> Role | None:
    """Return the highest role; None without one."""
    return max((APP_ROLES[one] for one in app_roles if one in APP_ROLES), default=None)


def role_of_code(code: str) -> Role | None:
    """Return the role of a code; None for an unknown code."""
    return next((role for role in Role if role.code == code), None)
