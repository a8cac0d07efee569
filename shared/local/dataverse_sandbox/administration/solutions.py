"""Solutions and what is in them.

Source: Microsoft's pages "Use optional parameters" and "AddSolutionComponent Action", and public notes: a relationship
drags the whole table that it points to into the solution, unless the table is there already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.organisation.errors import CUSTOM_NAME, WebApiError, bad_request
from shared.local.dataverse_sandbox.organisation.organization import Organization, fixed_id
from shared.local.dataverse_sandbox.requests.invocation import Invocation
from shared.local.dataverse_sandbox.rows.store import Row

TABLE, COLUMN, RELATIONSHIP, CHOICE, KEY = 1, 2, 10, 9, 14
_WITH_SUBCOMPONENTS, _WITHOUT = 0, 1
DEFAULT_SOLUTION = "fd140aaf-4df4-11dd-bd17-0019b9312238"
_DEFAULT_PREFIX, _DEFAULT_VALUES = "new", 10_000

TYPES: Mapping[str, int] = {
    "role": 20, "savedquery": 26, "savedqueryvisualization": 59, "systemform": 60, "webresource": 61,
    "sitemap": 62, "appmodule": 80, "sdkmessageprocessingstep": 92, "serviceendpoint": 95,
    "environmentvariabledefinition": 380, "environmentvariablevalue": 381, "appaction": 10_221,
}  # fmt: skip
"""Component types by table; those above 10,000 differ between organisations."""


def found(organization: Organization) -> None:
    """Insert the default publisher and the default solution."""
    publisher = fixed_id("publisher", "default")
    organization.seed(
        [
            (
                "publisher",
                {
                    "publisherid": publisher,
                    "uniquename": f"DefaultPublisher{organization.name}",
                    "friendlyname": f"Default Publisher for {organization.name}",
                    "customizationprefix": _DEFAULT_PREFIX,
                    "customizationoptionvalueprefix": _DEFAULT_VALUES,
                },
            ),
            (
                "solution",
                {
                    "solutionid": DEFAULT_SOLUTION,
                    "uniquename": "Default",
                    "friendlyname": "Default Solution",
                    "version": "1.0",
                    "ismanaged": False,
                    "isvisible": False,
                    "publisherid": ("publisher", publisher),
                },
            ),
        ]
    )


def keep(
    organization: Organization, kind: int, identifier: str, solution: str, behavior: int = _WITH_SUBCOMPONENTS
) -> None:
    """Put a component into a solution; without a name, or with an unknown one, into the default solution."""
    home = named(organization, solution) or DEFAULT_SOLUTION
    if component(organization, home, identifier) is None:
        row = {
            "solutioncomponentid": fixed_id("component", home, identifier),
            "objectid": identifier,
            "componenttype": kind,
            "rootcomponentbehavior": behavior,
            "solutionid": ("solution", home),
        }
        organization.seed([("solutioncomponent", row)])


def keep_row(organization: Organization, table: str, identifier: str, solution: str) -> None:
    """Put a row into a solution, if rows of its table are components."""
    if table in TYPES:
        keep(organization, TYPES[table], identifier, solution)


def keep_part(organization: Organization, kind: int, identifier: str, table: Table, solution: str) -> None:
    """Put a column, relationship or key into a solution, unless the solution has its whole table."""
    home = named(organization, solution) or DEFAULT_SOLUTION
    whole = component(organization, home, fixed_id("table", table.name))
    if whole is None or whole.get("rootcomponentbehavior") != _WITH_SUBCOMPONENTS:
        keep(organization, kind, identifier, solution)


def drag(organization: Organization, table: str, solution: str) -> None:
    """Put the table that a new lookup points to into the solution, with everything that it has."""
    if named(organization, solution) is not None:
        keep(organization, TABLE, fixed_id("table", table), solution)


def forget(organization: Organization, identifier: str) -> None:
    """Take a deleted component out of every solution."""
    for key, row in list(organization.store.rows("solutioncomponent").items()):
        if row.get("objectid") == identifier:
            organization.store.remove("solutioncomponent", key)


def named(organization: Organization, unique_name: str) -> str | None:
    """Return the id of a solution by its unique name."""
    for identifier, row in organization.store.rows("solution").items():
        if row.get("uniquename", "").lower() == unique_name.strip().lower():
            return identifier
    return None


def app_named(organization: Organization, app: Mapping[str, Any], solution: str) -> Mapping[str, Any]:
    """Return a new app with the publisher's prefix before its unique name; with an own prefix it stays as it is."""
    unique = app.get("uniquename")
    if not isinstance(unique, str) or CUSTOM_NAME.match(unique):
        return app
    home = organization.store.rows("solution")[named(organization, solution) or DEFAULT_SOLUTION]
    publisher = organization.store.follow(home["publisherid"]) or {}
    return {**app, "uniquename": f"{publisher.get('customizationprefix', _DEFAULT_PREFIX)}_{unique}"}


def component(organization: Organization, solution: str, identifier: str) -> Row | None:
    """Return the row that puts a component into a solution."""
    for row in organization.store.related(solution, "solutioncomponent", "solutionid"):
        if row.get("objectid") == identifier:
            return row
    return None


def add_component(call: Invocation) -> dict[str, Any]:
    """AddSolutionComponent; WebApiError 404 for a component that does not exist."""
    arguments = call.arguments
    identifier, kind = str(arguments.get("ComponentId")).lower(), int(arguments.get("ComponentType") or 0)
    home = _solution(call)
    _check_existing(call.organization, kind, identifier)
    arguments.get("AddRequiredComponents")
    only = bool(arguments.get("DoNotIncludeSubcomponents"))
    keep(call.organization, kind, identifier, home["uniquename"], _WITHOUT if only else _WITH_SUBCOMPONENTS)
    row = component(call.organization, home["solutionid"], identifier)
    return {"id": row["solutioncomponentid"] if row else None}


def remove_component(call: Invocation) -> dict[str, Any]:
    """RemoveSolutionComponent; its parameter names the component itself, not the row of its membership."""
    value = call.arguments.get("SolutionComponent") or {}
    value.get("@odata.type")
    identifier, home = str(value.get("solutioncomponentid")).lower(), _solution(call)
    call.arguments.get("ComponentType")
    row = component(call.organization, home["solutionid"], identifier)
    if row is None:
        raise bad_request(f"The component {identifier} is not in the solution {home['uniquename']}.", "0x8004f01e")
    call.writer.store.remove("solutioncomponent", row["solutioncomponentid"])
    return {"id": row["solutioncomponentid"]}


def _solution(call: Invocation) -> Row:
    name = str(call.arguments.get("SolutionUniqueName"))
    identifier = named(call.organization, name)
    if identifier is None:
        raise WebApiError(400, "0x80048d2c", f"The solution '{name}' was not found.")
    return call.writer.store.rows("solution")[identifier]


def _check_existing(organization: Organization, kind: Any, identifier: str) -> None:
    known: set[str] = set()
    if kind == TABLE:
        known = {fixed_id("table", name) for name in organization.schema.tables}
    elif kind == COLUMN:
        tables = organization.schema.tables.values()
        known = {fixed_id("column", table.name, name) for table in tables for name in table.columns}
    elif kind in TYPES.values():
        (table,) = (name for name, number in TYPES.items() if number == kind)
        known = set(organization.store.rows(table))
    elif kind == CHOICE:
        known = {fixed_id("choice", name) for name in organization.schema.choices}
    if identifier not in known:
        raise WebApiError(404, "0x80040217", f"A component of the type {kind} with Id = {identifier} Does Not Exist")
