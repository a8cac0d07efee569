"""Reads which tables the connector's user may read: for the mapping check, before any record is read.

Source: Microsoft's Web API reference, "RetrieveUserSetOfPrivilegesByNames" (which counts the roles of teams, with their
depth) and "EntityMetadata", whose `Privileges` name the privileges of a table.
"""

import json
from collections.abc import Collection, Mapping
from http import HTTPStatus

from shared.adapters.dataverse.metadata.refused_tables import RefusedTables
from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.domain.records.table_schema import ReadRight, TableDefinition, TableReach
from shared.errors import ConnectorError

_READ = "Read"
_FUNCTION = "Microsoft.Dynamics.CRM.RetrieveUserSetOfPrivilegesByNames(PrivilegeNames=@p1)"
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_IMPLEMENTED})
_ALL_ROWS = "Global"


async def read_rights(
    client: DataverseClient, tables: Collection[TableDefinition], refused: RefusedTables
) -> Mapping[str, ReadRight] | None:
    """Return by table what the connector's user may read; tables without a privilege to read are missing.

    If Dataverse does not report a user's privileges, one row of each table is read instead, which does not show the
    depth. None if that fails, too. Readable tables are removed from `refused`, so that a repaired role counts at once.
    Raises the errors of the client except refusals.
    """
    try:
        rights = await _reported(client, {table.name for table in tables})
    except ConnectorError as error:
        if error.status not in _REFUSALS:
            raise
        return await _tried(tables, refused)
    refused.allow(name for name, right in rights.items() if right.reach is not TableReach.NOTHING)
    return rights


async def _reported(client: DataverseClient, tables: Collection[str]) -> dict[str, ReadRight]:
    names = await _privileges(client, sorted(tables))
    user = (await client.who_am_i()).user_id
    path = f"{odata.row('systemusers', user)}/{_FUNCTION}"
    wanted = json.dumps(sorted(set(names.values())))
    body = (await client.execute(WebApiOperation(Method.GET, odata.reads(path, {"@p1": wanted})))).body
    depths = {one["PrivilegeName"].casefold(): one["Depth"] for one in body["RolePrivileges"]}
    return {table: ReadRight(name, _reach(depths.get(name.casefold()))) for table, name in names.items()}


async def _privileges(client: DataverseClient, tables: Collection[str]) -> dict[str, str]:
    """Return the name of the privilege to read each table."""
    answers = await client.batch([_definition(table) for table in tables])
    found: dict[str, str] = {}
    for table, answer in zip(tables, answers, strict=True):
        if answer.error is not None:
            raise answer.error
        for one in answer.body.get("Privileges") or ():
            if one["PrivilegeType"] == _READ:
                found[table] = one["Name"]
    return found


async def _tried(tables: Collection[TableDefinition], refused: RefusedTables) -> dict[str, ReadRight] | None:
    lacking = await refused.try_reading(tables)
    if not tables or not all(refused.knows(table.name) for table in tables):
        return None
    return {name: ReadRight(privilege, TableReach.NOTHING) for name, privilege in lacking.items()}


def _definition(table: str) -> WebApiOperation:
    path = f"EntityDefinitions(LogicalName={odata.literal(table)})"
    return WebApiOperation(Method.GET, odata.reads(path, {"$select": "LogicalName,Privileges"}))


def _reach(depth: str | None) -> TableReach:
    if depth is None:
        return TableReach.NOTHING
    return TableReach.ALL if depth == _ALL_ROWS else TableReach.SOME
