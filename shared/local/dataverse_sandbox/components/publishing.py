"""PublishXml and PublishAllXml.

Source: `ParameterXml.xsd`, Microsoft's page "PublishXml Action", and for apps "Create and manage model-driven apps
using code". What belongs to a table is published with the table: its forms, views, charts and commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from shared.local.dataverse_sandbox.components.xml_text import parsed
from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented, row_missing
from shared.local.dataverse_sandbox.requests.invocation import Invocation
from shared.local.dataverse_sandbox.rows.publication import PUBLISHABLE, publish
from shared.local.dataverse_sandbox.rows.store import Store

OF_TABLE = {
    "systemform": "objecttypecode",
    "savedquery": "returnedtypecode",
    "savedqueryvisualization": "primaryentitytypecode",
    "appaction": "contextvalue",
}
"""The column that names the table of a component, by the component's own table."""
_BY_ID = {
    ("dashboards", "dashboard"): "systemform",
    ("webresources", "webresource"): "webresource",
    ("sitemaps", "sitemap"): "sitemap",
    ("appmodules", "appmodule"): "appmodule",
}


def publish_xml(call: Invocation) -> None:
    """Publish the components that `ParameterXml` names; WebApiError 400 for unknown names, 404 for unknown ids."""
    store = call.writer.store
    root = parsed(call.arguments.get("ParameterXml"), "importexportxml", "ParameterXml")
    for table, identifier in _named(call, root):
        publish(store, table, identifier)


def publish_all(call: Invocation) -> None:
    """Publish every component."""
    store = call.writer.store
    for table in sorted(PUBLISHABLE):
        for identifier in list(store.rows(table)):
            publish(store, table, identifier)


def _named(call: Invocation, root: Element) -> Iterator[tuple[str, str]]:
    store = call.writer.store
    for group in root:
        for element in group:
            name = (element.text or "").strip()
            match group.tag, element.tag:
                case "entities", "entity":
                    if name not in call.organization.schema.tables:
                        raise bad_request(f"The entity with a name = '{name}' was not found.", "0x80041102")
                    yield from of_table(store, name)
                case "optionsets", "optionset":
                    if name not in call.organization.schema.choices:
                        raise bad_request(f"Could not find an option set with the name '{name}'.", "0x80044337")
                case place if place in _BY_ID:
                    yield _existing(store, _BY_ID[place], name)
                case _:
                    raise not_implemented(f"The element '{element.tag}' in '{group.tag}' of ParameterXml")


def of_table(store: Store, name: str) -> Iterator[tuple[str, str]]:
    """Yield the components of a table, as (table of the component, id)."""
    for table, column in OF_TABLE.items():
        for identifier, row in list(store.rows(table).items()):
            if row.get(column) == name:
                yield table, identifier


def _existing(store: Store, table: str, text: str) -> tuple[str, str]:
    identifier = text.strip("{}").lower()
    if store.get(table, identifier) is None:
        raise row_missing(table, identifier)
    return table, identifier
