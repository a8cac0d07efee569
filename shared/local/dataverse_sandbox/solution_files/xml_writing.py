"""Writes the XML of solution files: elements, texts in several languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring

from shared.local.dataverse_sandbox.metadata.schema import Definition

Texts = Iterable[tuple[int, str]]
"""Texts with their language codes."""


def add(parent: Element, tag: str, text: object = None, **attributes: object) -> Element:
    """Add an element and return it; a text that is a truth value becomes 0 or 1."""
    element = SubElement(parent, tag, {name: str(value) for name, value in attributes.items()})
    if text is not None:
        element.text = str(int(text)) if isinstance(text, bool) else str(text)
    return element


def add_parsed(parent: Element, tag: str, text: str | None) -> None:
    """Add an element with XML inside, which a column keeps as text."""
    element = add(parent, tag)
    if text:
        element.append(fromstring(text))  # noqa: S314  # the sandbox checked it when it was written


def add_texts(parent: Element, group: str, member: str, texts: Texts) -> None:
    """Add a group with one element for each language."""
    element = add(parent, group)
    for language, text in texts:
        add(element, member, description=text, languagecode=language)


def texts_of(label: Definition | None) -> Texts:
    """Return the texts of a label of metadata."""
    return [(one["LanguageCode"], one["Label"]) for one in (label or {}).get("LocalizedLabels") or ()]


def braced(identifier: object) -> str:
    """Return an id as solution files spell it."""
    return f"{{{identifier}}}"


def managed_value(definition: Mapping[str, Any], name: str) -> bool:
    """Return the value of a managed property."""
    return bool(definition.get(name, {}).get("Value", False))
