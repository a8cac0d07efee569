"""The security roles of `infra/dataverse/roles.yaml`: for the sandbox, which enforces them, and for the documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import yaml

from shared.local.dataverse_sandbox.organisation.privileges import Access, Privilege, privilege

ROLES = Path(__file__).resolve().parents[3] / "infra" / "dataverse" / "roles.yaml"
SERVICE, USER = "Spotler Service", "Spotler User"


class Depth(StrEnum):
    """The rows that a privilege covers: the user's own, those of the business unit, or all."""

    USER = "user"
    BUSINESS_UNIT = "businessUnit"
    ORGANIZATION = "organization"


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
    """Read the roles, by name; ValueError for a word that Dataverse does not have."""
    document = yaml.safe_load(ROLES.read_text(encoding="utf-8"))
    found = [
        Role(
            one["name"],
            one["meaning"],
            {
                table: {Access(word): Depth(depth) for depth, words in depths.items() for word in words}
                for table, depths in one["privileges"].items()
            },
        )
        for one in document["roles"]
    ]
    return {role.name: role for role in found}


def roles_table() -> str:
    """Return one row per table, one column per role; a depth is shown where it is not all rows."""
    every = list(roles().values())
    tables = dict.fromkeys(table for role in every for table in role.depths)
    rows = [f"| table | {' | '.join(role.name for role in every)} |", f"|---|{'---|' * len(every)}"]
    rows += [f"| `{table}` | {' | '.join(_cell(role.depths.get(table, {})) for role in every)} |" for table in tables]
    return "\n".join(rows)


def _cell(accesses: Mapping[Access, Depth]) -> str:
    words = [
        access if depth is Depth.ORGANIZATION else f"{access} ({depth})"
        for access in Access
        if (depth := accesses.get(access))
    ]
    return ", ".join(words) or "none"
