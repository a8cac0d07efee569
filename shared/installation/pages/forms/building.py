"""Builds tabs, and the whole XML of the connector's own forms."""

from __future__ import annotations

from uuid import UUID

from lxml import etree

from shared.installation.pages.forms.context import Surroundings
from shared.installation.pages.forms.controls import add_cells, add_labels
from shared.installation.pages.forms.handlers import add_handlers
from shared.installation.pages.forms.specification import OwnForm, Section, Tab
from shared.installation.pages.ids import braced, stable_id
from shared.installation.pages.xml import Element, child, write


def build_form(specification: OwnForm, form: UUID, around: Surroundings) -> str:
    """Return the form XML of an own form whose row has the id `form`."""
    root = etree.Element("form")
    tabs = child(root, "tabs")
    for tab in specification.tabs:
        tabs.append(build_tab(tab, form, specification.table, around))
    add_handlers(root, specification.handlers, form)
    return write(root)


def build_tab(specification: Tab, form: UUID, table: str, around: Surroundings) -> Element:
    """Return a tab for the form with the id `form` of the table; all ids in it follow from that id and its names."""
    tab = etree.Element(
        "tab",
        name=specification.name,
        id=braced(stable_id(str(form), specification.name)),
        IsUserDefined="1",
        locklevel="0",
        showlabel="true",
        expanded="true",
        visible="true",
    )
    add_labels(tab, specification.label, around.languages)
    columns = child(tab, "columns")
    for column in specification.columns:
        sections = child(child(columns, "column", width=f"{column.width}%"), "sections")
        for section in column.sections:
            _add_section(sections, section, form, table, around)
    return tab


def _add_section(sections: Element, specification: Section, form: UUID, table: str, around: Surroundings) -> None:
    section = child(
        sections,
        "section",
        name=specification.name,
        id=braced(stable_id(str(form), specification.name)),
        IsUserDefined="1",
        locklevel="0",
        showlabel="true",
        showbar="false",
        columns="1",
    )
    add_labels(section, specification.label, around.languages)
    add_cells(child(section, "rows"), specification, form, table, around)
