"""Checks of views: `fetchxml` and `layoutxml`.

Source: Microsoft's skill for forms and views: a layout needs the object type code of the organisation's table over the
API ("Invalid layout xml found" without it). Views that came with a table cannot be deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import tostring

from shared.local.dataverse_sandbox.components.xml_text import parsed
from shared.local.dataverse_sandbox.metadata.type_codes import type_code
from shared.local.dataverse_sandbox.organisation.errors import bad_request
from shared.local.dataverse_sandbox.queries import fetch_document
from shared.local.dataverse_sandbox.rows.store import Row, Store

_CODE = "0x80040203"
_QUERY_TYPES = frozenset({0, 1, 2, 4, 8, 16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384})


def check(store: Store, old: Row, changes: Mapping[str, Any]) -> None:
    """WebApiError 400 for a view that Dataverse would refuse; `changes` are the written columns."""
    view = {**old, **changes}
    table = store.schema.tables.get(str(view.get("returnedtypecode")))
    if table is None:
        raise bad_request(f"The entity with a name = '{view.get('returnedtypecode')}' was not found.", "0x80041102")
    if view.get("querytype") not in _QUERY_TYPES:
        raise bad_request(f"The query type {view.get('querytype')} is not valid.", _CODE)
    for fixed in ("returnedtypecode", "querytype"):
        if old and changes.get(fixed, old[fixed]) != old[fixed]:
            raise bad_request(f"The column '{fixed}' of a view cannot be changed.", _CODE)
    if changes.get("fetchxml") is not None or not old:
        fetch = parsed(changes.get("fetchxml"), "fetch", "fetchxml", "0x80041100")
        entity = fetch.find("entity")
        if entity is None or entity.get("name") != table.name:
            raise bad_request(f"The query of a view of '{table.name}' must return rows of this table.", "0x80041100")
        fetch_document.read(_without_display(changes["fetchxml"]), table, store.schema)
    if changes.get("layoutxml") is not None:
        _check_layout(changes["layoutxml"], type_code(table), table.primary_id)


def _check_layout(text: str, code: int, primary_id: str) -> None:
    grid = parsed(text, "grid", "layoutxml")
    row = grid.find("row")
    if grid.get("object") != str(code) or row is None or row.get("id") != primary_id:
        raise bad_request(f"Invalid layout xml found: object must be {code}, and the id of row {primary_id}.", _CODE)
    if not row.findall("cell") or any(not cell.get("name") or not cell.get("width") for cell in row):
        raise bad_request("Invalid layout xml found: each cell needs a name and a width.", _CODE)


def _without_display(text: str) -> str:
    """Drop what only the client reads in the query of a view."""
    fetch = parsed(text, "fetch", "fetchxml")
    for name in ("output-format", "savedqueryid", "returntotalrecordcount"):
        fetch.attrib.pop(name, None)
    for element in fetch.iter("filter"):
        element.attrib.pop("isquickfindfields", None)
        for condition in list(element):
            if condition.get("value") == "{0}":  # the place of the text that a user looks for
                element.remove(condition)
    return str(tostring(fetch, encoding="unicode"))
