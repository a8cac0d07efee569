"""The security roles of `infra/dataverse/roles.yaml` as the installer reads them, as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.state import SecurityRole
from shared.local.dataverse_sandbox.organisation.privileges import Access, Privilege, privilege

SERVICE, USER = "Spotler Service", "Spotler User"


class Depth(StrEnum):
    """The rows that a privilege covers, by Dataverse's word: the user's own, those of the business unit, or all."""

    USER = "Basic"
    BUSINESS_UNIT = "Local"
    ORGANIZATION = "Global"


_WORDS = {Depth.USER: " (user)", Depth.BUSINESS_UNIT: " (businessUnit)", Depth.ORGANIZATION: ""}
"""What the table says of a depth: nothing where it covers all rows."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role: the depth of each access to each table."""

    name: str
    meaning: str
    depths: Mapping[str, Mapping[Access, Depth]]

    @property
    def privileges(self) -> frozenset[Privilege]:
        """The privileges of the role, at any depth."""
        return frozenset(privilege(access, table) for table, accesses in self.depths.items() for access in accesses)


@cache
def roles() -> Mapping[str, Role]:
    """Read the roles, by name. Raises ConfigurationError for a word that Dataverse does not have."""
    return {one.name: _role(one) for one in read_desired_state({}).roles}


def _role(one: SecurityRole) -> Role:
    depths: dict[str, dict[Access, Depth]] = {}
    for granted in one.privileges:
        depths.setdefault(granted.table, {})[Access(granted.access)] = Depth(granted.depth)
    return Role(one.name, one.description, depths)


def roles_table() -> str:
    """Return one row per table, one column per role; a depth is shown where it is not all rows."""
    every = list(roles().values())
    tables = dict.fromkeys(table for role in every for table in role.depths)
    rows = [f"| table | {' | '.join(role.name for role in every)} |", f"|---|{'---|' * len(every)}"]
    rows += [f"| `{table}` | {' | '.join(_cell(role.depths.get(table, {})) for role in every)} |" for table in tables]
    return "\n".join(rows)


def _cell(accesses: Mapping[Access, Depth]) -> str:
    return ", ".join(f"{access}{_WORDS[accesses[access]]}" for access in Access if access in accesses) or "none"
