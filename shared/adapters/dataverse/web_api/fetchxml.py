"""FetchXML: pages, and queries for ids.

Source: Microsoft's page "Page results using FetchXml" (the cookie arrives URL-encoded twice, inside XML).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from shared.domain.wording.causes.dataverse_causes import DataverseCause
from shared.errors import DataError, Service, TransientError

_TRUE = frozenset({"true", "1"})
_PERSONAL = frozenset(
    {
        "eq-userid",
        "ne-userid",
        "eq-userteams",
        "eq-useroruserteams",
        "eq-useroruserhierarchy",
        "eq-useroruserhierarchyandteams",
        "eq-businessid",
        "ne-businessid",
        "eq-userlanguage",
    }
)
"""Operators that compare with the user who runs the query (Microsoft's page "FetchXML condition operators")."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page starts. Without a cookie Dataverse counts rows, up to 50 000."""

    page: int = 1
    cookie: str = ""


def page_of(query: str, cursor: Cursor, *, size: int) -> str:
    """Return `query` for one page of `size` rows; a query with `top` has only one page and is not changed.

    Raises `DataError` for text that is no FetchXML.
    """
    fetch = _parse(query)
    if fetch.tag != "fetch":
        raise DataError(DataverseCause.NO_FETCHXML(), service=Service.DATAVERSE)
    if "top" not in fetch.attrib:
        fetch.attrib |= {"page": str(cursor.page), "count": str(size)}
        fetch.attrib.pop("paging-cookie", None)
        if cursor.cookie:
            fetch.set("paging-cookie", cursor.cookie)
    return _written(fetch)


@dataclass(frozen=True, slots=True)
class IdQuery:
    """A query for the ids of another query's rows. `is_cut`: it has `top`, so it is one page."""

    text: str
    is_cut: bool


def ids_only(query: str, key: str) -> IdQuery:
    """Return a query for the ids of the rows of `query`; `key` is the primary key of its table.

    Without `top`, each row comes once, in the order of the ids, so that pages are stable. With `top`, the order and,
    under `distinct`, the columns decide which rows are found; so they are kept, and a row may come more than once.

    Raises `DataError` for text that is no FetchXML, for an aggregate, and for a query whose rows depend on its user.
    """
    fetch = _parse(query)
    entity = fetch.find("entity")
    if fetch.tag != "fetch" or entity is None:
        raise DataError(DataverseCause.NO_FETCHXML(), service=Service.DATAVERSE)
    if fetch.get("aggregate", "").strip().casefold() in _TRUE:
        raise DataError(DataverseCause.AGGREGATE(), service=Service.DATAVERSE)
    if personal := sorted(
        {operator for one in fetch.iter("condition") if (operator := one.get("operator")) in _PERSONAL}
    ):
        raise DataError(
            DataverseCause.OWN_USER(operators=tuple(personal)),
            service=Service.DATAVERSE,
        )
    is_cut = "top" in fetch.attrib
    if is_cut:
        _cut_off(fetch, entity, key)
    else:
        _drop(entity, {"attribute", "all-attributes", "order"})
        entity.insert(0, ET.Element("attribute", name=key))
        entity.append(ET.Element("order", attribute=key))
        fetch.set("distinct", "true")
    return IdQuery(_written(fetch), is_cut)


def _cut_off(fetch: ET.Element, entity: ET.Element, key: str) -> None:
    """Add the id to a query with `top`, without changing its rows."""
    for paging in ("page", "count", "paging-cookie", "returntotalrecordcount"):  # `top` goes with none of these
        fetch.attrib.pop(paging, None)
    if fetch.get("distinct", "").strip().casefold() not in _TRUE:
        _drop(entity, {"attribute", "all-attributes"})
    if entity.find("all-attributes") is None and all(one.get("name") != key for one in entity.findall("attribute")):
        entity.insert(0, ET.Element("attribute", name=key))
    # Equal rows need an order, too. Orders of the root precede those of links: the id would come too early then.
    orders = list(entity.iter("order"))
    if all(order in entity.findall("order") and "entityname" not in order.attrib for order in orders):
        entity.append(ET.Element("order", attribute=key))


def _drop(entity: ET.Element, tags: Collection[str]) -> None:
    for parent in list(entity.iter()):
        if parent.tag in {"entity", "link-entity"}:
            for shown in [child for child in parent if child.tag in tags]:
                parent.remove(shown)


def following(page: Mapping[str, Any], cursor: Cursor) -> Cursor | None:
    """Return where the next page starts; None after the last one. Some queries have no cookie.

    TransientError for a cookie that cannot be read: the answer is damaged, not the query.
    """
    if not page.get("@Microsoft.Dynamics.CRM.morerecords"):
        return None
    annotation = page.get("@Microsoft.Dynamics.CRM.fetchxmlpagingcookie")
    if not isinstance(annotation, str | None):
        raise _unreadable_cookie()
    try:
        cookie = _parse(annotation).get("pagingcookie", "") if annotation else ""
    except DataError:
        raise _unreadable_cookie() from None
    return Cursor(cursor.page + 1, unquote(unquote(cookie)))


def _unreadable_cookie() -> TransientError:
    return TransientError(DataverseCause.PAGING_COOKIE(), service=Service.DATAVERSE)


def _written(fetch: ET.Element) -> str:
    try:
        return ET.tostring(fetch, encoding="unicode")
    except RecursionError:
        raise DataError(DataverseCause.DEEP_QUERY(), service=Service.DATAVERSE) from None


def _parse(text: str) -> ET.Element:
    if "<!doctype" in text.casefold():
        raise DataError(DataverseCause.DOCUMENT_TYPE(), service=Service.DATAVERSE)
    try:
        return ET.fromstring(text)  # noqa: S314  # without a document type there are no entities to expand
    except (ET.ParseError, ValueError, LookupError):  # half of a surrogate pair, an unknown encoding
        raise DataError(DataverseCause.NO_XML(), service=Service.DATAVERSE) from None
