"""Reads XML in columns and parameters."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from shared.local.dataverse_sandbox.organisation.errors import bad_request


def parsed(text: Any, root: str, place: str, code: str = "0x80040203") -> Element:
    """Parse a text whose outermost element is `root`; WebApiError 400 that names the place."""
    try:
        element: Element = fromstring(text if isinstance(text, str) else "")
    except (ParseError, DefusedXmlException, ValueError):
        raise bad_request(f"The value of '{place}' is no well-formed XML.", code) from None
    if element.tag != root:
        raise bad_request(f"The outermost element of '{place}' must be '{root}', not '{element.tag}'.", code)
    return element
