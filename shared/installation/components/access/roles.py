"""The security roles.

A role has at least the privileges of `roles.yaml`. What Dataverse adds to a new role by itself, and what an
administrator added (SEC-03 advises it for mappings that read further tables), stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.access.privileges import DEPTHS, Grant, grants, read_privileges
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.desired.state import DesiredState, SecurityRole
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_PER_CALL = 200


@dataclass(frozen=True, slots=True)
class RoleFound:
    """A role of the root business unit, and the names of the privileges that it lacks."""

    id: UUID
    lacking: tuple[str, ...]


class Roles(ComponentKind[SecurityRole, RoleFound]):
    """Security roles of the root business unit; the other business units get copies by themselves."""

    kind = Kind.ROLE

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[SecurityRole]:
        """Return the roles."""
        return desired.roles

    async def find(
        self, client: CustomizationClient, wanted: Sequence[SecurityRole], organisation: Organisation
    ) -> Mapping[str, RoleFound]:
        """Read the roles and their privileges."""
        rows = await client.rows(
            "roles",
            select="roleid,name",
            filter=odata.all_of(
                odata.within("name", [role.name for role in wanted]),
                odata.compare("_businessunitid_value", ODataComparison.EQUAL, organisation.root_unit),
            ),
        )
        ids = {row["name"]: UUID(row["roleid"]) for row in rows}
        existing = [role for role in wanted if role.name in ids]
        privileges = await self._privileges(client, existing)
        held = await client.get_all([f"RetrieveRolePrivilegesRole(RoleId={ids[role.name]})" for role in existing])
        return {
            role.name: RoleFound(ids[role.name], _lacking(role, answer["RolePrivileges"], privileges))
            for role, answer in zip(existing, held, strict=True)
        }

    async def _privileges(
        self, client: CustomizationClient, roles: Sequence[SecurityRole]
    ) -> Mapping[str, Sequence[Row]]:
        wanted = {one.table for role in roles for one in role.privileges}
        if not wanted:
            return {}
        listed = {row["LogicalName"] for row in await client.rows("EntityDefinitions", select="LogicalName")}
        return await read_privileges(client, sorted(wanted & listed))

    def differences(self, wanted: SecurityRole, found: RoleFound, organisation: Organisation) -> Sequence[str]:
        """Return the privileges that are missing."""
        return (f"lacks {', '.join(found.lacking)}",) if found.lacking else ()

    async def create(self, client: CustomizationClient, wanted: SecurityRole, organisation: Organisation) -> None:
        """Insert the role, then give it its privileges."""
        unit = f"/businessunits({organisation.root_unit})"
        identifier = await client.create("roles", {"name": wanted.name, "businessunitid@odata.bind": unit})
        assert identifier is not None
        await self._give(client, wanted, identifier)

    async def change(
        self, client: CustomizationClient, wanted: SecurityRole, found: RoleFound, organisation: Organisation
    ) -> None:
        """Give the role its privileges."""
        await self._give(client, wanted, found.id)

    async def _give(self, client: CustomizationClient, role: SecurityRole, identifier: UUID) -> None:
        needed = grants(role.privileges, await self._privileges(client, [role]))
        for start in range(0, len(needed), _PER_CALL):
            privileges = [grant.as_body() for grant in needed[start : start + _PER_CALL]]
            await client.act(
                f"roles({identifier})/Microsoft.Dynamics.CRM.AddPrivilegesRole", {"Privileges": privileges}
            )

    async def remove(self, client: CustomizationClient, wanted: SecurityRole, found: RoleFound) -> None:
        """Delete the role."""
        await client.remove(f"roles({found.id})")


def _lacking(role: SecurityRole, held: Sequence[Row], privileges: Mapping[str, Sequence[Row]]) -> tuple[str, ...]:
    depths = {UUID(one["PrivilegeId"]): one["Depth"] for one in held}
    needed = grants(role.privileges, privileges)
    own = {one.table for one in role.privileges if one.table.startswith("dh_")} - privileges.keys()
    return (
        *(grant.name for grant in needed if _narrower(depths.get(grant.privilege), grant)),
        *(f"those of {table}" for table in sorted(own)),
    )


def _narrower(held: str | None, needed: Grant) -> bool:
    return held not in DEPTHS or DEPTHS.index(held) < DEPTHS.index(needed.depth)
