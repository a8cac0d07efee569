"""The application user: made from the client id of an app registration or managed identity, with its role.

A soft-deleted user of the same client id blocks a new one: the message says so.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.errors import ConfigurationError, Service
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.desired.state import ApplicationUser, DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_NON_INTERACTIVE = 4


class ApplicationUsers(ComponentKind[ApplicationUser, Row]):
    """The connector's own user in Dataverse."""

    kind = Kind.USER

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[ApplicationUser]:
        """Return the user, if a client id is known."""
        return () if desired.user is None else (desired.user,)

    def is_removed(self, found: Row) -> bool:
        """Return whether the user is disabled."""
        return bool(found.get("isdisabled"))

    async def find(
        self, client: CustomizationClient, wanted: Sequence[ApplicationUser], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the user with its roles. Raises ConfigurationError for a deleted user, which blocks a new one."""
        found: dict[str, Row] = {}
        for one in wanted:
            rows = await client.rows(
                "systemusers",
                select="systemuserid,applicationid,isdisabled,deletedstate",
                filter=odata.compare("applicationid", ODataComparison.EQUAL, UUID(one.client_id)),
                expand="systemuserroles_association($select=roleid,name)",
            )
            for row in rows:
                if row.get("deletedstate"):
                    raise ConfigurationError(
                        f"The user of the application {one.client_id} was deleted and can still be restored. Restore "
                        "it, or delete it permanently, in the Power Platform admin centre (Environment, Settings, "
                        "Users, Application users), and run the command again",
                        service=Service.DATAVERSE,
                    )
                found[one.name] = row
        return found

    def differences(self, wanted: ApplicationUser, found: Row, organisation: Organisation) -> Sequence[str]:
        """Return whether it lacks its role or is disabled."""
        roles = {role["name"] for role in found["systemuserroles_association"]}
        return [
            *(() if wanted.role in roles else (f"lacks the role {wanted.role}",)),
            *(("is disabled",) if found.get("isdisabled") else ()),
        ]

    async def create(self, client: CustomizationClient, wanted: ApplicationUser, organisation: Organisation) -> None:
        """Insert the user, then give it its role."""
        body = {
            "applicationid": wanted.client_id,
            "accessmode": _NON_INTERACTIVE,
            "isdisabled": False,
            "businessunitid@odata.bind": f"/businessunits({organisation.root_unit})",
        }
        identifier = await client.outside_the_solution().create("systemusers", body)
        await self._give_role(client, wanted, str(identifier), organisation)

    async def change(
        self, client: CustomizationClient, wanted: ApplicationUser, found: Row, organisation: Organisation
    ) -> None:
        """Enable the user, and give it its role."""
        identifier = found["systemuserid"]
        if found.get("isdisabled"):
            body = {"applicationid": wanted.client_id, "isdisabled": False}
            await client.outside_the_solution().change(f"systemusers({identifier})", body)
        if wanted.role not in {role["name"] for role in found["systemuserroles_association"]}:
            await self._give_role(client, wanted, identifier, organisation)

    async def _give_role(
        self, client: CustomizationClient, wanted: ApplicationUser, identifier: str, organisation: Organisation
    ) -> None:
        of_that_name = odata.all_of(
            odata.compare("name", ODataComparison.EQUAL, wanted.role),
            odata.compare("_businessunitid_value", ODataComparison.EQUAL, organisation.root_unit),
        )
        roles = await client.rows("roles", select="roleid", filter=of_that_name)
        if not roles:
            raise ConfigurationError(
                f"There is no role {wanted.role}: install the kind role first", service=Service.DATAVERSE
            )
        reference = {"@odata.id": client.address(f"roles({roles[0]['roleid']})")}
        await client.outside_the_solution().act(
            f"systemusers({identifier})/systemuserroles_association/$ref", reference
        )

    async def remove(self, client: CustomizationClient, wanted: ApplicationUser, found: Row) -> None:
        """Disable the user: Dataverse does not delete users that made rows."""
        body = {"applicationid": wanted.client_id, "isdisabled": True}
        await client.outside_the_solution().change(f"systemusers({found['systemuserid']})", body)
