"""Merges the own tab into the main form of a standard table, and removes it. Nothing else of the form changes.

A tab of its own is Microsoft's advice for changes beside a managed form: what is in it hides no later change of others.
"""

from __future__ import annotations

from uuid import UUID

from shared.errors import ConfigurationError
from shared.installation.pages.forms.building import build_tab
from shared.installation.pages.forms.context import Surroundings
from shared.installation.pages.forms.handlers import add_handlers, detach, remove_handlers
from shared.installation.pages.forms.specification import OWN_TAB, OwnTab
from shared.installation.pages.xml import Element, canonical, parse, write

MOST_TABS = 100


def merge_tab(formxml: str, specification: OwnTab, form: UUID, table: str, around: Surroundings) -> str:
    """Return the form with the own tab as specified; the text itself if it says so already.

    A tab that is there keeps its place. Raises ConfigurationError if the form cannot take it.
    """
    what = f"The form {form} of {table}"
    root = parse(formxml, what)
    before = canonical(root)
    tabs = root.find("tabs")
    if tabs is None:
        raise ConfigurationError(f"{what} has no tabs: leave it out, or repair it in its editor.")
    tab = build_tab(specification.as_tab(), form, table, around)
    found = _own_tab(tabs)
    if found is None:
        if len(tabs.findall("tab")) >= MOST_TABS:
            raise ConfigurationError(f"{what} has {MOST_TABS} tabs, the most that Dataverse takes: remove one of them.")
        tabs.append(tab)
    else:
        tab.tail = found.tail
        tabs.replace(found, tab)
    remove_handlers(root, specification.handlers)
    add_handlers(root, specification.handlers, form)
    return formxml if canonical(root) == before else write(root)


def remove_tab(formxml: str, form: UUID, table: str) -> str:
    """Return the form without the own tab and the connector's handlers; the text itself if it has none of them."""
    root = parse(formxml, f"The form {form} of {table}")
    before = canonical(root)
    tabs = root.find("tabs")
    if tabs is not None and (found := _own_tab(tabs)) is not None:
        detach(found)
    remove_handlers(root)
    return formxml if canonical(root) == before else write(root)


def _own_tab(tabs: Element) -> Element | None:
    return next((tab for tab in tabs.findall("tab") if tab.get("name") == OWN_TAB), None)
