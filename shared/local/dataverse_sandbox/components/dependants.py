"""What depends on a component: Dataverse refuses to delete what a saved or published form, chart, command or app shows.

Source: Microsoft's page "Dependency tracking for solution components". That both states count is inferred.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from xml.etree.ElementTree import Element

from shared.local.dataverse_sandbox.components.xml_text import parsed
from shared.local.dataverse_sandbox.organisation.errors import bad_request
from shared.local.dataverse_sandbox.rows.publication import PUBLISHED
from shared.local.dataverse_sandbox.rows.store import Row, Store

_CODE = "0x8004f01f"
_LABELS = {
    "savedquery": "SavedQuery", "savedqueryvisualization": "SavedQueryVisualization", "systemform": "SystemForm",
    "webresource": "WebResource",
}  # fmt: skip


def check_deletion(store: Store, table: str, row: Row) -> None:
    """WebApiError 400 for a view, chart, form or web resource that another component shows."""
    if table not in _LABELS:
        return
    identifier = row[store.schema.tables[table].primary_id]
    users = [name for name in _users(store, table, row, identifier) if name != identifier]
    if users:
        raise bad_request(
            f"The {_LABELS[table]}({identifier}) component cannot be deleted because it is referenced by {len(users)} "
            f"other components, such as {users[0]}. For a list of referenced components, use the "
            "RetrieveDependenciesForDeleteRequest.",
            _CODE,
        )


def check_column(store: Store, table: str, column: str) -> None:
    """WebApiError 400 for a column that a form or a view of its table shows."""
    forms = (
        identifier
        for identifier, form in _forms(store)
        if store.rows("systemform")[identifier].get("objecttypecode") == table
        and any(control.get("datafieldname") == column for control in form.iter("control"))
    )
    views = (
        identifier
        for identifier, view in store.rows("savedquery").items()
        if view.get("returnedtypecode") == table
        and any(one.get("name") == column for one in parsed(view["fetchxml"], "fetch", "fetchxml").iter("attribute"))
    )
    if user := next(chain(forms, views), None):
        raise bad_request(
            f"The Attribute({column}) component cannot be deleted because it is referenced by other components, such "
            f"as {user}.",
            _CODE,
        )


def _users(store: Store, table: str, row: Row, identifier: str) -> Iterator[str]:
    """Yield the ids of the components that show a component."""
    for form, xml in _forms(store):
        if row.get("name") in _libraries(xml) if table == "webresource" else identifier in _shown(xml):
            yield form
    if table == "webresource":
        for key, command in store.rows("appaction").items():
            script = command.get("onclickeventjavascriptwebresourceid")
            if script is not None and script.id == identifier:
                yield key
        yield from (key for key, app in store.rows("appmodule").items() if app.get("webresourceid") == identifier)


def _forms(store: Store) -> Iterator[tuple[str, Element]]:
    for identifier, row in store.rows("systemform").items():
        texts = {state["formxml"] for state in (row, row.get(PUBLISHED) or {}) if state.get("formxml")}
        for text in sorted(texts):
            yield identifier, _read(text)


@lru_cache(maxsize=256)
def _read(formxml: str) -> Element:
    """Parse a form once: each deletion looks through all forms, which change seldom. Nobody changes the element."""
    return parsed(formxml, "form", "formxml")


def _libraries(form: Element) -> set[str | None]:
    return {one.get("name") for one in form.iter("Library")}


def _shown(form: Element) -> set[str]:
    """Return the ids of views, charts and quick view forms in a form."""
    shown = {
        part.strip("{} ").lower()
        for tag in ("ViewId", "ViewIds", "VisualizationId")
        for element in form.iter(tag)
        for part in (element.text or "").split(",")
    }
    for quick in form.iter("QuickForms"):  # form XML keeps this list as text
        lists = parsed(quick.text, "QuickFormIds", "QuickForms")
        shown |= {(one.text or "").strip("{} ").lower() for one in lists.iter("QuickFormId")}
    return shown
