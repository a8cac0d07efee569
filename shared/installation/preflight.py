"""Finds before the first write what Dataverse would refuse later, and says what to do about it.

Sources: Microsoft's page "Block unmanaged customizations", its skill for environment settings (`orgdborgsettings`), and
`RetrieveUserSetOfPrivilegesByNames`. Creating a solution is allowed in spite of a block: the first refusal would come
after publisher and solution. The definitions of tables name the privileges on their rows. Those on definitions are
`prvCreateEntity` and the like, of which only names that the organisation has are asked for.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.errors import ConfigurationError, Service
from shared.installation.components.kind import Kind
from shared.installation.components.schema.definitions import table_path
from shared.installation.organisation.organisation import Organisation
from shared.installation.organisation.probe import LET_AN_ADMINISTRATOR
from shared.installation.plan import Action, Step, writes
from shared.installation.wire.customization_client import BLOCKED, CustomizationClient

_ALLOWED_IN_SPITE_OF_A_BLOCK: Final = frozenset({Kind.PUBLISHER, Kind.SOLUTION, Kind.USER})
_SHOWN: Final = 12
"""Privileges that a message names."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The privileges that installing a kind needs: access to rows by table, and names of those on definitions."""

    rows: Mapping[str, tuple[str, ...]]
    names: tuple[str, ...] = ()


_MADE: Final = ("Create", "Write")
_LINKED: Final = ("Create", "Write", "Append")
_POINTED_AT: Final = ("Read", "AppendTo")
_PUBLISH: Final = ("prvPublishCustomization",)
_NEEDS: Final[Mapping[Kind, Needs]] = {
    Kind.PUBLISHER: Needs({"publisher": _MADE}),
    Kind.SOLUTION: Needs({"solution": _LINKED, "publisher": _POINTED_AT}),
    Kind.STANDARD_TABLE: Needs({"solution": ("Write",)}),
    Kind.TABLE: Needs({}, ("prvCreateEntity", "prvWriteEntity", "prvCreateAttribute")),
    Kind.COLUMN: Needs({}, ("prvCreateAttribute", "prvWriteAttribute")),
    Kind.STATUS_REASON: Needs({}, ("prvWriteAttribute",)),
    Kind.KEY: Needs({}, ("prvCreateEntityKey", "prvWriteEntityKey")),
    Kind.RELATIONSHIP: Needs({}, ("prvCreateRelationship", "prvWriteRelationship", "prvCreateAttribute")),
    Kind.VARIABLE: Needs({"environmentvariabledefinition": _MADE}),
    Kind.ROLE: Needs({"role": _LINKED, "businessunit": _POINTED_AT}),
    Kind.WEB_RESOURCE: Needs({"webresource": _MADE}, _PUBLISH),
    Kind.VIEW: Needs({"savedquery": _MADE}, _PUBLISH),
    Kind.CHART: Needs({"savedqueryvisualization": _MADE}, _PUBLISH),
    Kind.FORM: Needs({"systemform": _MADE}, _PUBLISH),
    Kind.TAB: Needs({"systemform": ("Write",)}, _PUBLISH),
    Kind.COMMAND: Needs({"appaction": _LINKED, "webresource": _POINTED_AT, "entity": _POINTED_AT}, _PUBLISH),
    Kind.DASHBOARD: Needs({"systemform": _MADE}, _PUBLISH),
    Kind.APP: Needs({"appmodule": _LINKED, "sitemap": _MADE, "role": _POINTED_AT}, _PUBLISH),
    Kind.USER: Needs({"systemuser": _LINKED, "businessunit": _POINTED_AT, "role": _POINTED_AT}),
    Kind.ENDPOINT: Needs({"serviceendpoint": _MADE}),
    Kind.STEP: Needs(
        {
            "sdkmessageprocessingstep": (*_LINKED, "AppendTo"),
            "sdkmessageprocessingstepimage": _LINKED,
            "serviceendpoint": _POINTED_AT,
            "sdkmessage": _POINTED_AT,
            "sdkmessagefilter": _POINTED_AT,
        }
    ),
}


_RESTS_ON: Final[Mapping[Kind, frozenset[Kind]]] = {
    Kind.SOLUTION: frozenset({Kind.PUBLISHER}),
    Kind.STANDARD_TABLE: frozenset({Kind.SOLUTION}),
    Kind.TABLE: frozenset({Kind.SOLUTION}),
    Kind.COLUMN: frozenset({Kind.SOLUTION, Kind.TABLE}),
    Kind.STATUS_REASON: frozenset({Kind.SOLUTION, Kind.TABLE}),
    Kind.KEY: frozenset({Kind.SOLUTION, Kind.TABLE, Kind.COLUMN}),
    Kind.RELATIONSHIP: frozenset({Kind.SOLUTION, Kind.TABLE}),
    Kind.VARIABLE: frozenset({Kind.SOLUTION}),
    Kind.ROLE: frozenset({Kind.SOLUTION, Kind.TABLE}),
    Kind.WEB_RESOURCE: frozenset({Kind.SOLUTION}),
    Kind.VIEW: frozenset({Kind.SOLUTION, Kind.TABLE, Kind.COLUMN, Kind.RELATIONSHIP}),
    Kind.CHART: frozenset({Kind.SOLUTION, Kind.TABLE}),
    Kind.FORM: frozenset({Kind.SOLUTION, Kind.TABLE, Kind.RELATIONSHIP, Kind.WEB_RESOURCE, Kind.VIEW}),
    Kind.TAB: frozenset({Kind.COLUMN, Kind.RELATIONSHIP, Kind.WEB_RESOURCE, Kind.VIEW, Kind.FORM}),
    Kind.COMMAND: frozenset({Kind.SOLUTION, Kind.WEB_RESOURCE}),
    Kind.DASHBOARD: frozenset({Kind.SOLUTION, Kind.VIEW, Kind.CHART}),
    Kind.APP: frozenset({Kind.SOLUTION, Kind.TABLE, Kind.ROLE, Kind.WEB_RESOURCE, Kind.DASHBOARD}),
    Kind.USER: frozenset({Kind.ROLE}),
    Kind.ENDPOINT: frozenset({Kind.SOLUTION}),
    Kind.STEP: frozenset({Kind.SOLUTION, Kind.TABLE, Kind.RELATIONSHIP, Kind.ENDPOINT}),
}
"""The kinds without which a kind cannot be installed, or would join the wrong solution."""


def foundations(steps: Iterable[Step]) -> frozenset[Kind]:
    """Return the kinds that must exist for the steps that write."""
    return frozenset(needed for step in writes(steps) for needed in _RESTS_ON.get(step.kind, ()))


def refuse_missing_foundations(steps: Iterable[Step]) -> None:
    """Raise ConfigurationError if a step of kinds that are left out would create what the others need."""
    for step in steps:
        if step.action is Action.CREATE:
            raise ConfigurationError(
                f"The {step.kind} {step.name} does not exist, and what is to be installed needs it: add {step.kind} to "
                "--only, or leave --only out. Nothing was changed",
                service=Service.DATAVERSE,
            )


async def refuse_what_would_fail(
    client: CustomizationClient, organisation: Organisation, steps: Sequence[Step]
) -> None:
    """Raise ConfigurationError if Dataverse would refuse a step of the plan; the message names the cure."""
    wanted = writes(steps)
    if organisation.blocks_customisation and any(step.kind not in _ALLOWED_IN_SPITE_OF_A_BLOCK for step in wanted):
        raise ConfigurationError(f"{BLOCKED}. Nothing was changed", service=Service.DATAVERSE)
    await refuse_missing_privileges(client, organisation.user_id, await needed_privileges(client, wanted))


async def refuse_missing_privileges(client: CustomizationClient, user_id: UUID, names: Sequence[str]) -> None:
    """Raise ConfigurationError if a user lacks one of these privileges; the message names the cure."""
    lacking = await _lacking(client, user_id, names)
    if lacking:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        raise ConfigurationError(
            f"Whoever installs lacks {', '.join(lacking[:_SHOWN])}{more}: {LET_AN_ADMINISTRATOR}",
            service=Service.DATAVERSE,
        )


async def _lacking(client: CustomizationClient, user_id: UUID, names: Sequence[str]) -> list[str]:
    """Return the privileges among `names` that a user has not, whatever the user's roles are called."""
    if not names:
        return []
    function = "Microsoft.Dynamics.CRM.RetrieveUserSetOfPrivilegesByNames(PrivilegeNames=@p1)"
    user = odata.row("systemusers", user_id)
    path = odata.reads(f"{user}/{function}", {"@p1": json.dumps(names)})
    held = {one["PrivilegeName"].casefold() for one in (await client.get(path))["RolePrivileges"]}
    return [name for name in names if name.casefold() not in held]


async def needed_privileges(client: CustomizationClient, steps: Iterable[Step]) -> list[str]:
    """Return the names of the privileges that the steps of a plan need. Raises the errors of the client."""
    rows: set[tuple[str, str]] = set()
    definitions: set[str] = set()
    for kind, action in {(step.kind, step.action) for step in steps}:
        needs, deletes = _NEEDS[kind], action is Action.DELETE
        for table, accesses in needs.rows.items():
            rows |= {(table, access) for access in accesses}
            rows |= {(table, "Delete") for access in accesses if deletes and access == "Create"}
        definitions |= set(needs.names)
        definitions |= {name.replace("Create", "Delete") for name in needs.names if deletes}
    return sorted({*await _of_rows(client, rows), *await _existing(client, sorted(definitions))})


async def _of_rows(client: CustomizationClient, rows: set[tuple[str, str]]) -> list[str]:
    tables = sorted({table for table, _ in rows})
    answers = await client.get_all(
        [odata.reads(table_path(table), {"$select": "LogicalName,Privileges"}) for table in tables]
    )
    return [
        one["Name"]
        for table, answer in zip(tables, answers, strict=True)
        for one in answer["Privileges"]
        if (table, one["PrivilegeType"]) in rows
    ]


async def export_privileges(client: CustomizationClient) -> list[str]:
    """Return the names of the privileges that the export of a solution needs. Raises the errors of the client."""
    rows = await _of_rows(client, {("solution", "Read"), ("solution", "Write")})
    return [*rows, *await _existing(client, ["prvExportCustomization"])]


async def _existing(client: CustomizationClient, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    found = await client.rows("privileges", select="name", filter=odata.within("name", names))
    return [row["name"] for row in found]
