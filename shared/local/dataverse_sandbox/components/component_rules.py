"""The checks of customisations by table; the other tables have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.local.dataverse_sandbox.components import app_rules, form_rules, view_rules
from shared.local.dataverse_sandbox.organisation.errors import bad_request
from shared.local.dataverse_sandbox.rows.store import Row, Store


def checked(store: Store, table: str, old: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Check a written row, and return the columns that the platform changes; `old` is empty for a new row.

    WebApiError 400, 404 or 412 for a row that Dataverse would refuse.
    """
    match table:
        case "systemform":
            form_rules.check(store, old, changes)
        case "savedquery":
            view_rules.check(store, old, changes)
        case "webresource":
            return app_rules.check_web_resource(store, old, changes)
        case "appaction":
            return app_rules.check_command(store, old, changes)
        case "appmodule":
            return app_rules.check_app(store, old, changes)
        case "sitemap":
            return app_rules.check_site_map(store, old, changes)
        case _:
            pass
    return {}


def check_deletion(table: str, old: Row) -> None:
    """WebApiError 400 for a form or a view that came with its table."""
    if table in {"systemform", "savedquery"} and old.get("canbedeleted") is False:
        raise bad_request(f"The {table} came with its table and cannot be deleted.", "0x80047007")
