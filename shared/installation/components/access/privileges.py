"""Resolves the privileges of a role: their ids and depths in this organisation.

Names come from the definitions of tables: all activities share one set, and without Sales some are missing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.schema.definitions import table_path
from shared.installation.desired.state import RolePrivilege
from shared.installation.wire.customization_client import CustomizationClient

DEPTHS: Final = ("Basic", "Local", "Deep", "Global")
"""From a user's own rows to all rows."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A privilege by its id, at a depth that its table has."""

    privilege: UUID
    name: str
    depth: str

    def as_body(self) -> dict[str, str]:
        """Return the item of `AddPrivilegesRole`."""
        return {"PrivilegeId": str(self.privilege), "Depth": self.depth}


async def read_privileges(client: CustomizationClient, tables: Collection[str]) -> dict[str, list[Row]]:
    """Return the privileges of existing tables, by table."""
    shown = {"$select": "LogicalName,Privileges"}
    answers = await client.get_all([odata.reads(table_path(table), shown) for table in tables])
    return {table: answer["Privileges"] for table, answer in zip(tables, answers, strict=True)}


def grants(wanted: Sequence[RolePrivilege], privileges: Mapping[str, Sequence[Row]]) -> list[Grant]:
    """Return the grants for the privileges whose tables exist; the widest depth where several name one privilege."""
    found: dict[UUID, Grant] = {}
    for one in wanted:
        access = one.access[0].upper() + one.access[1:]
        for row in privileges.get(one.table, ()):
            if row["PrivilegeType"] != access:
                continue
            grant = Grant(UUID(row["PrivilegeId"]), row["Name"], _possible(one.depth, row))
            other = found.get(grant.privilege)
            if other is None or DEPTHS.index(other.depth) < DEPTHS.index(grant.depth):
                found[grant.privilege] = grant
    return list(found.values())


def _possible(depth: str, privilege: Row) -> str:
    """Return the depth, or the next wider one that the table can have: tables of the organisation have Global only."""
    return next((wider for wider in DEPTHS[DEPTHS.index(depth) :] if privilege.get(f"CanBe{wider}", True)), "Global")
