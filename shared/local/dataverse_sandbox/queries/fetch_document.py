"""A FetchXML document as values. Every element and attribute is read here or refused by name.

Source: Microsoft's "FetchXML reference". Ignored on purpose: hints for the database (`no-lock`, `options`,
`latematerialize`), and notes of query designers (`uiname`, `intersect` …).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from shared.local.dataverse_sandbox.metadata.schema import Column, Schema, Table
from shared.local.dataverse_sandbox.organisation.errors import (
    bad_request,
    not_implemented,
    unknown_property,
    unknown_table,
)

CODE = "0x80041103"
SEMI_JOINS = frozenset({"exists", "in", "any", "not any", "all", "not all"})

_MOST_AGGREGATED = 50_000
_LINK_TYPES = SEMI_JOINS | {"inner", "outer"}
_NOTES = {
    "fetch": {"version", "mapping", "output-format", "no-lock", "latematerialize", "options"},
    "attribute": {"build", "addedby"},
    "condition": {"uiname", "uitype", "uihidden"},
    "value": {"uiname", "uitype"},
    "link-entity": {"visible", "intersect"},
    "filter": {"hint", "overridequickfindrecordlimitenabled", "overridequickfindrecordlimitdisabled"},
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column to return, under its own name or an alias; in an aggregate query a figure or a group."""

    column: Column
    alias: str | None
    aggregate: str | None
    is_group: bool
    date_part: str | None
    is_distinct: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key: a column by name, or an attribute by alias."""

    attribute: str | None
    alias: str | None
    entity: str | None
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of one column, of this entity or of another one by alias; `other` is a column to compare it with."""

    attribute: str
    entity: str | None
    operator: str
    operands: Sequence[str]
    other: str | None

    @property
    def looks_elsewhere(self) -> bool:
        """Whether the condition reads another entity too."""
        return self.entity is not None or "." in (self.other or "")


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions, filters and links to related rows, joined by `and` or by `or`."""

    is_or: bool
    conditions: Sequence[Condition]
    filters: Sequence[Filter]
    links: Sequence[Entity]

    def all_conditions(self) -> Iterator[Condition]:
        """The conditions, including those of inner filters."""
        yield from self.conditions
        for inner in self.filters:
            yield from inner.all_conditions()


@dataclass(frozen=True, slots=True)
class Entity:
    """The root or a link-entity: `near` of the parent equals `far` of this table."""

    alias: str
    table: Table
    link_type: str
    near: Column | None
    far: Column
    takes_all: bool
    attributes: Sequence[Attribute]
    orders: Sequence[Order]
    filters: Sequence[Filter]
    links: Sequence[Entity]

    def flattened(self) -> Iterator[Entity]:
        """The entity and its links at any depth."""
        yield self
        for link in self.links:
            yield from link.flattened()


@dataclass(frozen=True, slots=True)
class Fetch:
    """The whole query."""

    entity: Entity
    top: int | None
    count: int | None
    page: int
    cookie: str | None
    is_distinct: bool
    is_aggregate: bool
    aggregate_limit: int
    wants_total: bool
    sorts_raw: bool


def read(text: str, table: Table, schema: Schema) -> Fetch:
    """Read a fetch on `table`; WebApiError 400 for anything malformed or unknown, 501 for what is not simulated."""
    try:
        root = _Node(fromstring(text))
    except (ParseError, DefusedXmlException) as error:
        raise bad_request(f"Invalid Xml. {error}", "0x80040201") from None
    entities = root.children("entity")
    if root.tag != "fetch" or len(entities) != 1:
        raise bad_request("Invalid Xml.", "0x80040201")
    name = entities[0].get("name")
    if name != table.name:
        raise bad_request(f"The entity '{name}' does not match the entity set '{table.set_name}'.", CODE)
    fetch = Fetch(
        entity=_entity(entities[0], table, schema, None, ""),
        top=root.number("top"),
        count=root.number("count"),
        page=root.number("page") or 1,
        cookie=root.get("paging-cookie"),
        is_distinct=root.flag("distinct"),
        is_aggregate=root.flag("aggregate"),
        aggregate_limit=min(root.number("aggregatelimit") or _MOST_AGGREGATED, _MOST_AGGREGATED),
        wants_total=root.flag("returntotalrecordcount"),
        sorts_raw=root.flag("useraworderby"),
    )
    root.refuse_unread()
    return fetch


def column(table: Table, name: str) -> Column:
    """Return a column by its logical name; WebApiError if there is none."""
    found = table.columns.get(name) or (table.properties.get(name) if name == "ownerid" else None)
    if found is None:
        message = f"'{table.name}' entity doesn't contain attribute with Name = '{name}' and NameMapping = 'Logical'."
        raise unknown_property(name, table, code=CODE, message=message)
    return found


class _Node:
    """An XML element that records which of its parts were read."""

    def __init__(self, element: Element) -> None:
        self.tag = element.tag
        self.text = element.text or ""
        self._attributes = dict(element.attrib)
        self._children = [_Node(child) for child in element]
        self._read: set[str] = set(_NOTES.get(element.tag, ()))
        self._taken: set[str] = set()

    def get(self, name: str) -> str | None:
        self._read.add(name)
        return self._attributes.get(name)

    def flag(self, name: str) -> bool:
        text = self.get(name) or "false"
        if text not in {"true", "false", "1", "0"}:
            raise bad_request(f"Invalid value '{text}' for attribute '{name}' of {self.tag}.", "0x80040201")
        return text in {"true", "1"}

    def number(self, name: str) -> int | None:
        text = self.get(name)
        if text is not None and (not text.isdigit() or int(text) == 0):
            raise bad_request(f"Invalid value '{text}' for attribute '{name}' of {self.tag}.", "0x80040201")
        return int(text) if text is not None else None

    def children(self, tag: str) -> list[_Node]:
        self._taken.add(tag)
        return [child for child in self._children if child.tag == tag]

    def refuse_unread(self) -> None:
        for name in self._attributes:
            if name not in self._read:
                raise not_implemented(f"The attribute '{name}' of the FetchXML element '{self.tag}'")
        for child in self._children:
            if child.tag not in self._taken:
                raise not_implemented(f"The FetchXML element '{child.tag}' in '{self.tag}'")
            child.refuse_unread()


def _entity(node: _Node, table: Table, schema: Schema, parent: Table | None, path: str) -> Entity:
    link_type = (node.get("link-type") or "inner") if parent is not None else ""
    if parent is not None and link_type not in _LINK_TYPES:
        raise not_implemented(f"The link-type '{link_type}' in FetchXML")
    alias = (node.get("alias") or path) if parent is not None else ""
    return Entity(
        alias=alias,
        table=table,
        link_type=link_type,
        near=column(parent, node.get("to") or parent.primary_id) if parent is not None else None,
        far=column(table, (node.get("from") if parent is not None else None) or table.primary_id),
        takes_all=bool(node.children("all-attributes")),
        attributes=[_attribute(child, table) for child in node.children("attribute")],
        orders=[_order(child) for child in node.children("order")],
        filters=[_filter(child, table, schema, alias) for child in node.children("filter")],
        links=_links(node, table, schema, alias),
    )


def _links(node: _Node, parent: Table, schema: Schema, alias: str) -> list[Entity]:
    links = []
    for position, link in enumerate(node.children("link-entity"), start=1):
        name = link.get("name") or ""
        target = schema.tables.get(name)
        if target is None:
            raise unknown_table(
                name, f"The entity with a name = '{name}' was not found.", is_absent=name in schema.removed
            )
        links.append(_entity(link, target, schema, parent, f"{alias}{target.name}{position}"))
    return links


def _attribute(node: _Node, table: Table) -> Attribute:
    return Attribute(
        column=column(table, node.get("name") or ""),
        alias=node.get("alias"),
        aggregate=node.get("aggregate"),
        is_group=node.flag("groupby"),
        date_part=node.get("dategrouping"),
        is_distinct=node.flag("distinct"),
    )


def _order(node: _Node) -> Order:
    return Order(node.get("attribute"), node.get("alias"), node.get("entityname"), node.flag("descending"))


def _filter(node: _Node, table: Table, schema: Schema, alias: str) -> Filter:
    kind = node.get("type") or "and"
    if kind not in {"and", "or"}:
        raise bad_request(f"Invalid value '{kind}' for attribute 'type' of filter.", "0x80040201")
    links = _links(node, table, schema, f"{alias}filter")
    for link in links:
        if link.link_type not in SEMI_JOINS:
            raise bad_request(f"The link-type '{link.link_type}' cannot be used in a filter.", CODE)
    return Filter(
        is_or=kind == "or",
        conditions=[_condition(child) for child in node.children("condition")],
        filters=[_filter(child, table, schema, alias) for child in node.children("filter")],
        links=links,
    )


def _condition(node: _Node) -> Condition:
    nested = [child.text for child in node.children("value")]
    value = node.get("value")
    return Condition(
        attribute=node.get("attribute") or "",
        entity=node.get("entityname"),
        operator=node.get("operator") or "eq",
        operands=nested or ([value] if value is not None else []),
        other=node.get("valueof"),
    )
