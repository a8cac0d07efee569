"""The functions and actions of model-driven apps: AddAppComponents, RetrieveAppComponents, ValidateApp.

Source: Microsoft's page "Create and manage model-driven apps using code". Tables cannot be added this way: the service
answers and does nothing (public notes); the site map shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shared.local.dataverse_sandbox.components.xml_text import parsed
from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented, row_missing
from shared.local.dataverse_sandbox.requests.invocation import TYPE_PREFIX, Invocation
from shared.local.dataverse_sandbox.rows.store import Row, RowRef

_COMPONENTS = {"savedquery": 26, "systemform": 60, "sitemap": 62}
_NOTHING_HAPPENS = frozenset({"entity"})


def add_app_components(call: Invocation) -> None:
    """Add site maps, views and forms to an app; what it has already is no error."""
    app = _app(call, call.arguments.get("AppId"))
    for item in call.arguments.get("Components") or ():
        kind = str(item.get("@odata.type", "")).lstrip("#").removeprefix(TYPE_PREFIX)
        if kind in _NOTHING_HAPPENS:
            item.get("entityid")
            continue
        if kind not in _COMPONENTS:
            raise not_implemented(f"A component of the type '{kind}' in AddAppComponents")
        component = call.described_row(item)
        if component.id not in {row["objectid"] for row in _components(call, app)}:
            table = call.organization.schema.tables["appmodulecomponent"]
            values = {"componenttype": _COMPONENTS[kind], "objectid": component.id}
            call.writer.insert(table, {**values, "appmoduleidunique": app})


def retrieve_app_components(call: Invocation) -> dict[str, Any]:
    """Return the components of an app."""
    app = _app(call, call.arguments.get("AppModuleId"))
    return {
        "value": [
            {"appmodulecomponentid": row["appmodulecomponentid"], "componenttype": row["componenttype"],
             "objectid": row["objectid"]}
            for row in _components(call, app)
        ]
    }  # fmt: skip


def validate_app(call: Invocation) -> dict[str, Any]:
    """Return the problems of an app: no site map, one without tables, tables whose forms or views are not listed."""
    app = _app(call, call.arguments.get("AppModuleId"))
    issues = list(_issues(call, app))
    return {
        "AppValidationResponse": {
            "ValidationSuccess": not any(issue["ErrorType"] == "Error" for issue in issues),
            "ValidationIssueList": issues,
        }
    }


def _issues(call: Invocation, app: RowRef) -> Iterator[Mapping[str, Any]]:
    maps = [row for row in call.writer.store.rows("sitemap").values() if _belongs(call, app, row)]
    if not maps:
        yield _issue("Error", "The app doesn't contain a site map.")
    for one in maps:
        areas = parsed(one["sitemapxml"], "SiteMap", "sitemapxml").iter("SubArea")
        tables = {area.get("Entity") for area in areas} - {None}
        if not tables:
            yield _issue("Warning", "The site map shows no table.")
        listed = {row["objectid"] for row in _components(call, app)}
        for table in sorted(map(str, tables)):
            forms = [key for key, row in call.writer.store.rows("systemform").items() if row["objecttypecode"] == table]
            if listed.isdisjoint(forms):
                yield _issue("Warning", f"The app shows all forms of the table {table}.")


def _issue(kind: str, message: str) -> dict[str, Any]:
    return {"ErrorType": kind, "Message": message}


def _belongs(call: Invocation, app: RowRef, site_map: Row) -> bool:
    unique = call.writer.store.rows("appmodule")[app.id]["uniquename"]
    listed = {row["objectid"] for row in _components(call, app)}
    return site_map.get("sitemapnameunique") == unique or site_map["sitemapid"] in listed


def _components(call: Invocation, app: RowRef) -> Iterator[Row]:
    return call.writer.store.related(app.id, "appmodulecomponent", "appmoduleidunique")


def _app(call: Invocation, value: Any) -> RowRef:
    if not isinstance(value, str):
        raise bad_request("The id of an app must be a GUID.")
    identifier = value.lower()
    if call.writer.store.get("appmodule", identifier) is None:
        raise row_missing("appmodule", identifier)
    return RowRef("appmodule", identifier)
