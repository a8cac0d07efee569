"""Reads what the plan depends on: caller, languages, tables. Refuses an organisation before the first write.

Each check names the cure. Sources: `RetrieveProvisionedLanguages`, `organizations`, `EntityDefinitions`, and for
`orgdborgsettings` Microsoft's skill for environment settings.
"""

from collections.abc import Collection
from http import HTTPStatus
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.errors import ConfigurationError, Service
from shared.installation.components.kind import OUTSIDE_THE_SOLUTION, Kind
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation, TableFound
from shared.installation.pages.xml import parse
from shared.installation.wire.customization_client import CustomizationClient

_BLOCKS = "IsLockdownOfUnmanagedCustomizationEnabled"
"""The setting *Block unmanaged customizations*, among those of `orgdborgsettings`."""


LET_AN_ADMINISTRATOR = (
    "let a System Administrator run the command, or give that role in the Power Platform admin centre (Environment, "
    "Settings, Users, Manage security roles). Nothing was changed"
)


async def read_organisation(client: CustomizationClient, desired: DesiredState) -> Organisation:
    """Read the organisation. Raises the errors of the client; that of a missing privilege names the cure."""
    try:
        return await _read(client, desired)
    except ConfigurationError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        raise ConfigurationError(
            f"Whoever installs may not read what the plan depends on: {LET_AN_ADMINISTRATOR}",
            service=Service.DATAVERSE,
            code=error.code,
        ) from error


async def _read(client: CustomizationClient, desired: DesiredState) -> Organisation:
    who = await client.who_am_i()
    (organisation,) = await client.rows("organizations", select="languagecode,orgdborgsettings")
    base = int(organisation["languagecode"])
    units = await client.rows("businessunits", select="businessunitid", filter="parentbusinessunitid eq null")
    of_that_name = odata.compare("name", ODataComparison.EQUAL, desired.endpoint_name)
    endpoints = await client.rows("serviceendpoints", select="serviceendpointid", filter=of_that_name)
    return Organisation(
        id=who.organisation_id,
        user_id=who.user_id,
        blocks_customisation=_blocks(organisation.get("orgdborgsettings")),
        managed_solution=await _is_managed(client, desired.solution.name),
        root_unit=UUID(units[0]["businessunitid"]),
        base_language=base,
        languages=await _languages(client) | {base},
        has_endpoint=bool(endpoints),
        tables=await read_tables(client),
    )


def refuse_unfit(organisation: Organisation, desired: DesiredState, only: Collection[Kind]) -> None:
    """Raise ConfigurationError for an organisation into which `only` cannot be installed; the message names the cure.

    Where a solution file was imported, the command installs what is in no solution file.
    """
    if organisation.managed_solution:
        if OUTSIDE_THE_SOLUTION.issuperset(only):
            return
        raise ConfigurationError(
            f"The solution {desired.solution.label} is installed here as a managed one, which this command does not "
            f"change. Nothing was changed: update {desired.solution.name} by importing its next managed version in "
            "Power Apps (Solutions). What is in no solution file is installed by "
            "`python -m shared install --only tab user steps`",
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


def _blocks(settings: str | None) -> bool:
    """Read the setting from the XML of all settings; one that was never changed is not among them."""
    if not settings:
        return False
    return (parse(settings, "orgdborgsettings").findtext(_BLOCKS) or "").strip().casefold() == "true"


async def _is_managed(client: CustomizationClient, solution: str) -> bool:
    of_that_name = odata.compare("uniquename", ODataComparison.EQUAL, solution)
    return any(row.get("ismanaged") for row in await client.rows("solutions", select="ismanaged", filter=of_that_name))


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
