"""Object type codes of tables: fixed for standard tables, given by the organisation for all others.

Source: Microsoft's table references. Views and forms of an organisation contain them.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.local.dataverse_sandbox.metadata.schema import Schema, Table

_STANDARD: Mapping[str, int] = {
    "account": 1, "contact": 2, "lead": 4, "annotation": 5, "systemuser": 8, "team": 9, "businessunit": 10,
    "systemuserroles": 15, "activityparty": 135, "environmentvariabledefinition": 380, "environmentvariablevalue": 381,
    "organization": 1019, "privilege": 1023, "systemform": 1030, "role": 1036, "savedquery": 1039,
    "savedqueryvisualization": 1111, "roletemplate": 1037,
    "activitypointer": 4200, "email": 4202, "phonecall": 4210, "task": 4212, "list": 4300, "listmember": 4301,
    "campaign": 4400, "campaignresponse": 4401, "campaignactivity": 4402, "campaignitem": 4403, "sdkmessage": 4606,
    "sdkmessagefilter": 4607, "sdkmessageprocessingstep": 4608, "sdkmessageprocessingstepimage": 4615,
    "serviceendpoint": 4618, "asyncoperation": 4700, "sitemap": 4709, "solution": 7100, "publisher": 7101,
    "solutioncomponent": 7103, "post": 8000, "appmodule": 9006, "transactioncurrency": 9105, "webresource": 9333,
}  # fmt: skip
_FIRST_OF_ORGANISATION = 10_112


def type_code(table: Table) -> int:
    """Return the code of a table; tables of the description that have no fixed code get one by their name."""
    known = table.definition.get("ObjectTypeCode") or _STANDARD.get(table.name)
    return int(known) if known else 9_400 + sum(map(ord, table.name)) % 600


def next_type_code(schema: Schema) -> int:
    """Return the code for a new table: one more than the largest one."""
    return max([_FIRST_OF_ORGANISATION, *(type_code(table) for table in schema.tables.values())]) + 1
