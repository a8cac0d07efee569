"""FetchXML: attribute quoting and the paging cookie.

Source: Microsoft's page "Page results using FetchXml" (the cookie arrives URL-encoded twice, inside XML).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from shared.dataverse.odata import Value, literal
from shared.errors import DataError, Service


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page starts. Without a cookie Dataverse counts rows, up to 50 000."""

    page: int = 1
    cookie: str = ""


def attribute(value: Value) -> str:
    """Write a value as a quoted XML attribute: `f"<condition … value={attribute(name)} />"`."""
    return quoteattr(value if isinstance(value, str) else literal(value))


def page_of(query: str, cursor: Cursor, *, size: int) -> str:
    """Return `query` asking for one page of `size` rows; a query with `top` has but one page and stays as it is.

    Raises `DataError` for text that is no FetchXML.
    """
    fetch = _parse(query)
    if fetch.tag != "fetch":
        raise DataError("The query is not FetchXML", service=Service.DATAVERSE)
    if "top" not in fetch.attrib:
        fetch.attrib |= {"page": str(cursor.page), "count": str(size)}
        fetch.attrib.pop("paging-cookie", None)
        if cursor.cookie:
            fetch.set("paging-cookie", cursor.cookie)
    return ET.tostring(fetch, encoding="unicode")


def ids_only(query: str, key: str) -> str:
    """Return `query` for the ids of its rows alone, each once, in the order of the ids: pages that stay in place.

    `key` is the primary key of its table. Raises `DataError` for text that is no FetchXML.
    """
    fetch = _parse(query)
    entity = fetch.find("entity")
    if entity is None:
        raise DataError("The query is not FetchXML", service=Service.DATAVERSE)
    for parent in list(entity.iter()):
        if parent.tag in {"entity", "link-entity"}:
            for shown in [child for child in parent if child.tag in {"attribute", "all-attributes", "order"}]:
                parent.remove(shown)
    entity.insert(0, ET.Element("attribute", name=key))
    entity.append(ET.Element("order", attribute=key))
    fetch.set("distinct", "true")
    return ET.tostring(fetch, encoding="unicode")


def following(page: Mapping[str, Any], cursor: Cursor) -> Cursor | None:
    """Read from a page where the next one starts; None after the last. Some queries come without a cookie."""
    if not page.get("@Microsoft.Dynamics.CRM.morerecords"):
        return None
    annotation = page.get("@Microsoft.Dynamics.CRM.fetchxmlpagingcookie")
    cookie = _parse(annotation).get("pagingcookie", "") if annotation else ""
    return Cursor(cursor.page + 1, unquote(unquote(cookie)))


def _parse(text: str) -> ET.Element:
    if "<!doctype" in text.casefold():
        raise DataError("FetchXML has no document type", service=Service.DATAVERSE)
    try:
        return ET.fromstring(text)  # noqa: S314  # without a document type there are no entities to expand
    except ET.ParseError:
        raise DataError("The query is not XML", service=Service.DATAVERSE) from None
