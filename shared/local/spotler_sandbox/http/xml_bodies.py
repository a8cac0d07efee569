"""Bodies in XML, as far as their shape is known: parameters with texts, and maps of names to lists of texts.

`<params><postUrl>…</postUrl><formParams><entry><key>k</key><value><item>v</item></value></entry></formParams></params>`
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from shared.local.spotler_sandbox.http.wire import invalid

MAPS = frozenset({"formParams", "prefilledValues"})


def read_parameters(payload: bytes) -> dict[str, Any]:
    """Read the children of the root element by name. ApiError 400."""
    try:
        root = fromstring(payload)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise invalid("body is no XML") from error
    found: dict[str, Any] = {}
    for child in root:
        if child.tag in found:
            raise invalid(f"{child.tag} stands twice")
        found[child.tag] = _map(child) if child.tag in MAPS else _text(child)
    return found


def _map(element: Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in element:
        key, value = entry.find("key"), entry.find("value")
        if entry.tag != "entry" or len(entry) != len(("key", "value")) or key is None or value is None:
            raise invalid(f"{element.tag} must hold entries of a key and a value")
        if any(item.tag != "item" for item in value):
            raise invalid(f"a value of {element.tag} must hold items")
        found.setdefault(_text(key), []).extend(_text(item) for item in value)
    return found


def _text(element: Element) -> str:
    if len(element):
        raise invalid(f"{element.tag} must hold text")
    return element.text or ""
