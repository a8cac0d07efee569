"""Reads what the plan depends on: caller, languages, tables. Refuses an organisation before the first write.

Each check names the cure. Sources: `RetrieveProvisionedLanguages`, `organizations.languagecode`, `EntityDefinitions`.
"""

import json
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.errors import ConfigurationError, Service
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation, TableFound
from shared.installation.wire.customization_client import CustomizationClient

_NEEDED = (
    "prvCreatePublisher",
    "prvCreateSolution",
    "prvCreateEnvironmentVariableDefinition",
    "prvCreateWebResource",
    "prvCreateRole",
    "prvCreateServiceEndpoint",
    "prvCreateSdkMessageProcessingStep",
)
"""Privileges of System Administrator; one of tables and columns has no name that can be asked for everywhere."""


async def read_organisation(client: CustomizationClient, endpoint: str) -> Organisation:
    """Read the organisation; `endpoint` is the name of the service endpoint. Raises the errors of the client."""
    who = await client.who_am_i()
    (organisation,) = await client.rows("organizations", select="languagecode")
    base = int(organisation["languagecode"])
    units = await client.rows("businessunits", select="businessunitid", filter="parentbusinessunitid eq null")
    of_that_name = odata.compare("name", ODataComparison.EQUAL, endpoint)
    endpoints = await client.rows("serviceendpoints", select="serviceendpointid", filter=of_that_name)
    return Organisation(
        id=who.organisation_id,
        user_id=who.user_id,
        lacking=await _lacking(client, who.user_id),
        root_unit=UUID(units[0]["businessunitid"]),
        base_language=base,
        languages=await _languages(client) | {base},
        has_endpoint=bool(endpoints),
        tables=await read_tables(client),
    )


def refuse_unfit(organisation: Organisation, desired: DesiredState) -> None:
    """Raise ConfigurationError for an organisation that cannot be installed into; the message names the cure."""
    if organisation.lacking:
        raise ConfigurationError(
            f"Whoever installs lacks {', '.join(organisation.lacking)}: let a System Administrator run the command, or "
            "give that role in the Power Platform admin centre (Environment, Settings, Users, Manage security roles)",
            service=Service.DATAVERSE,
        )
    managed = sorted(
        table.name
        for table in desired.tables
        if organisation.has(table.name) and organisation.tables[table.name].managed
    )
    if managed:
        raise ConfigurationError(
            f"A managed solution of another connector owns {', '.join(managed)}. Nothing was changed: follow "
            "docs/howto/coming-from-another-connector.md, remove that solution, and run the command again",
            service=Service.DATAVERSE,
        )
    if absent := [
        table.name for table in desired.standard_tables if not (table.needs_sales or organisation.has(table.name))
    ]:
        raise ConfigurationError(
            f"This environment has no table {', '.join(absent)}: it is no environment of Dynamics 365 or Power Apps "
            "with a Dataverse database",
            service=Service.DATAVERSE,
        )


async def _lacking(client: CustomizationClient, user: UUID) -> tuple[str, ...]:
    """Return the privileges that an installation needs and the caller has not, whatever the roles are called."""
    function = "Microsoft.Dynamics.CRM.RetrieveUserSetOfPrivilegesByNames(PrivilegeNames=@p1)"
    path = odata.reads(f"{odata.row('systemusers', user)}/{function}", {"@p1": json.dumps(_NEEDED)})
    held = {one["PrivilegeName"].casefold() for one in (await client.get(path))["RolePrivileges"]}
    return tuple(name for name in _NEEDED if name.casefold() not in held)


async def _languages(client: CustomizationClient) -> frozenset[int]:
    """Read the LCIDs. The member is not documented: every list of numbers in the answer is taken."""
    answer = await client.get("RetrieveProvisionedLanguages()")
    return frozenset(
        int(lcid) for value in answer.values() if isinstance(value, list) for lcid in value if isinstance(lcid, int)
    )


async def read_tables(client: CustomizationClient) -> dict[str, TableFound]:
    """Read all tables, by logical name."""
    columns = "LogicalName,SchemaName,MetadataId,EntitySetName,ObjectTypeCode,IsManaged"
    found = [
        TableFound(
            name=row["LogicalName"],
            schema_name=row["SchemaName"],
            metadata_id=UUID(row["MetadataId"]),
            entity_set=row.get("EntitySetName") or "",
            object_type_code=int(row.get("ObjectTypeCode") or 0),
            managed=bool(row.get("IsManaged")),
        )
        for row in await client.rows("EntityDefinitions", select=columns)
    ]
    return {table.name: table for table in found}
