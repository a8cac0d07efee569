"""The checks of customisations by table; the other tables have none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.local.dataverse_sandbox.administration import registration_rules
from shared.local.dataverse_sandbox.components import app_rules, chart_rules, dependants, form_rules, view_rules
from shared.local.dataverse_sandbox.organisation.errors import bad_request
from shared.local.dataverse_sandbox.rows.store import Row, Store

Check = Callable[[Store, Row, Mapping[str, Any]], dict[str, Any] | None]


def checked(store: Store, table: str, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Check a written row, and return the columns that the platform changes; `old` is empty for a new row.

    WebApiError 400, 404 or 412 for a row that Dataverse would refuse.
    """
    check = _CHECKS.get(table)
    return (check(store, old, changes) if check else None) or {}


def check_deletion(store: Store, table: str, old: Row) -> None:
    """WebApiError 400 for a form or a view that came with its table, and for a row with dependants."""
    registration_rules.check_deletion(store, table, old)
    if table in {"systemform", "savedquery"} and old.get("canbedeleted") is False:
        raise bad_request(f"The {table} came with its table and cannot be deleted.", "0x80047007")
    dependants.check_deletion(store, table, old)


_CHECKS: Mapping[str, Check] = {
    "systemform": form_rules.check,
    "savedquery": view_rules.check,
    "savedqueryvisualization": chart_rules.check,
    "webresource": app_rules.check_web_resource,
    "appaction": app_rules.check_command,
    "appmodule": app_rules.check_app,
    "sitemap": app_rules.check_site_map,
    "publisher": registration_rules.check_publisher,
    "solution": registration_rules.check_solution,
    "environmentvariabledefinition": registration_rules.check_variable,
    "systemuser": registration_rules.check_user,
    "serviceendpoint": registration_rules.check_endpoint,
}
