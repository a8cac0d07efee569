"""XML of Dataverse's components: parsed without entities and network access, written without new white space."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from lxml import etree

from shared.errors import ConfigurationError

Element = etree._Element  # noqa: SLF001  # lxml has no public name for the type of an element

_REMEMBERED: Final = 256
"""Texts whose form for comparison is kept: an installation compares each form and view several times."""


def parse(text: str, what: str) -> Element:
    """Parse a component's XML; comments, order of attributes and white space are kept.

    Raises ConfigurationError, naming `what`, if the text is not well-formed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=False, strip_cdata=False)
    try:
        return etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise ConfigurationError(f"{what} has XML that cannot be read: {error}") from error


def write(root: Element) -> str:
    """Write an element as text."""
    return etree.tostring(root, encoding="unicode", with_tail=False)


def canonical(root: Element) -> str:
    """Return the form in which two elements are compared: attributes sorted, indentation ignored."""
    return canonical_text(write(root))


@lru_cache(maxsize=_REMEMBERED)
def canonical_text(text: str) -> str:
    """Return the form in which well-formed texts are compared. Raises XMLSyntaxError for others."""
    compared: str = etree.canonicalize(text, strip_text=True)
    return compared


def child(parent: Element, tag: str, text: str | None = None, /, **attributes: str) -> Element:
    """Append a new element to `parent`, and return it."""
    made: Element = etree.SubElement(parent, tag, attributes)
    made.text = text
    return made
