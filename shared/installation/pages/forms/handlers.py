"""Adds the handlers of own scripts to a form, each once, and takes them off again."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from shared.installation.pages.forms.specification import Handler
from shared.installation.pages.ids import braced, stable_id
from shared.installation.pages.xml import Element, child

OWN_LIBRARIES = (
    "dh_spotlerconsole.js",
    "dh_spotlerinfo.js",
    "dh_spotlerjob.js",
    "dh_spotlerlist.js",
    "dh_spotlerperson.js",
    "dh_spotlertimeline.js",
)
"""The scripts of the connector; a handler belongs to the connector if it calls one of them."""


def add_handlers(root: Element, handlers: Iterable[Handler], form: UUID) -> None:
    """Register handlers and their libraries, unless the form has them. Handlers of others stay first.

    Dataverse refuses empty lists of libraries and events (FormXml.xsd): both are made only for a handler.
    """
    for handler in handlers:
        libraries = _only(root, "formLibraries")
        if not any(one.get("name") == handler.library for one in libraries):
            child(
                libraries,
                "Library",
                name=handler.library,
                libraryUniqueId=braced(stable_id(str(form), handler.library)),
            )
        listed = _only(_event(_only(root, "events"), handler.event), "Handlers")
        if not any(_is(one, handler) for one in listed):
            child(
                listed,
                "Handler",
                functionName=handler.function,
                libraryName=handler.library,
                handlerUniqueId=braced(stable_id(str(form), handler.library, handler.event, handler.function)),
                enabled="true",
                passExecutionContext="true",
                parameters="",
            )


def remove_handlers(root: Element, handlers: Iterable[Handler] | None = None) -> None:
    """Take the connector's handlers and libraries off a form, except `handlers`; containers that empty go as well."""
    kept = tuple(handlers or ())
    for one in root.findall("events/event/Handlers/Handler"):
        if one.get("libraryName") in OWN_LIBRARIES and not any(_is(one, handler) for handler in kept):
            _remove(one)
    for one in root.findall("formLibraries/Library"):
        if one.get("name") in OWN_LIBRARIES and one.get("name") not in {handler.library for handler in kept}:
            _remove(one)


def _is(element: Element, handler: Handler) -> bool:
    return (element.get("libraryName"), element.get("functionName")) == (handler.library, handler.function)


def _event(events: Element, name: str) -> Element:
    for event in events.findall("event"):
        if event.get("name") == name and event.get("attribute") is None and event.get("control") is None:
            return event
    return child(events, "event", name=name, application="true", active="true")


def _only(parent: Element, tag: str) -> Element:
    found = parent.find(tag)
    return child(parent, tag) if found is None else found


def _remove(element: Element) -> None:
    """Remove an element, and those around it that hold nothing else, up to the form."""
    parent = element.getparent()
    if parent is None or parent.tag == "tabs":
        return
    detach(element)
    if len(parent) == 0 and parent.getparent() is not None:
        _remove(parent)


def detach(element: Element) -> None:
    """Remove an element and keep the white space that follows it: it belongs to the form."""
    parent = element.getparent()
    if parent is None:
        return
    before, tail = element.getprevious(), element.tail or ""
    if before is None:
        parent.text = (parent.text or "") + tail or None
    else:
        before.tail = (before.tail or "") + tail or None
    element.tail = None
    parent.remove(element)
