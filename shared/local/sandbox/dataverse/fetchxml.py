"""FetchXML: parsing, joins, conditions and projection.

Supported: `attribute`, `all-attributes`, `filter` (and, or, nested), `condition` (also `entityname`), `order`,
`link-entity` (inner, outer, exists, in, any, not any; nested, with alias), `distinct`, `top`, `count`, `page`,
`paging-cookie`, `returntotalrecordcount`; of aggregates `count` and `countcolumn` (also `distinct`), without groups.
Source: Microsoft's "FetchXML reference".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from shared.local.sandbox.dataverse import conditions, paging, values
from shared.local.sandbox.dataverse.conditions import plain
from shared.local.sandbox.dataverse.errors import WebApiError, bad_request, not_implemented
from shared.local.sandbox.dataverse.paging import Bookmark
from shared.local.sandbox.dataverse.preferences import MAX_PAGE_SIZE
from shared.local.sandbox.dataverse.reading import FORMATTED, LOOKUP_TABLE, NAVIGATION, Reader, etag
from shared.local.sandbox.dataverse.schema import Column, ColumnType, Table
from shared.local.sandbox.dataverse.store import Row

# A result before projection: the row of each entity by alias, the root under "".
Joined = Mapping[str, Row | None]
Check = Callable[[Joined], bool]

_CODE = "0x80041103"
_MOST_AGGREGATED = 50_000
_SEMI_JOINS = frozenset({"exists", "in", "any"})
_ANTI_JOINS = frozenset({"not any"})


@dataclass(frozen=True, slots=True)
class Result:
    """One page: `next` begins the following one."""

    documents: Sequence[dict[str, Any]]
    next: Bookmark | None
    total: int | None


@dataclass(frozen=True, slots=True)
class _Entity:
    """The root or a link-entity, with its place in the joined row."""

    element: Element
    alias: str
    table: Table
    link_type: str
    links: Sequence[_Entity]


def run(text: str, table: Table, reader: Reader) -> Result:
    """Execute a fetch on `table`; WebApiError 400 for anything malformed or unknown."""
    fetch = _root(text)
    entity = fetch.find("entity")
    if fetch.tag != "fetch" or entity is None:
        raise bad_request("Invalid Xml.", "0x80040201")
    if entity.get("name") != table.name:
        raise bad_request(f"The entity '{entity.get('name')}' does not match the entity set '{table.set_name}'.", _CODE)
    query = _Query(reader, _tree(entity, table, reader))
    return query.counts() if fetch.get("aggregate") == "true" else query.page(fetch)


def _root(text: str) -> Element:
    try:
        root: Element = fromstring(text)
    except (ParseError, DefusedXmlException) as error:
        raise bad_request(f"Invalid Xml. {error}", "0x80040201") from None
    return root


def _tree(element: Element, table: Table, reader: Reader, alias: str = "", link_type: str = "") -> _Entity:
    reader.may_look_into(table)
    links = []
    for position, link in enumerate(element.findall("link-entity"), start=1):
        target = reader.store.schema.tables.get(link.get("name", ""))
        if target is None:
            raise bad_request(f"The entity with a name = '{link.get('name')}' was not found.", "0x80041102")
        name = link.get("alias") or f"{alias}{target.name}{position}"
        links.append(_tree(link, target, reader, name, link.get("link-type", "inner")))
    return _Entity(element, alias, table, link_type, links)


class _Query:
    def __init__(self, reader: Reader, root: _Entity) -> None:
        self._reader = reader
        self._root = root
        self._entities = {entity.alias: entity for entity in _flatten(root)}

    def page(self, fetch: Element) -> Result:
        found = self._sorted(self.matches())
        size = _number(fetch, "count", self._reader.preferences.page_size)
        project = self._projection()
        if fetch.get("distinct") == "true":
            found = self._distinct(found, project)
        if fetch.get("top") is not None:  # of the rows that are left, as SQL has it
            found, size = found[: _number(fetch, "top", MAX_PAGE_SIZE)], MAX_PAGE_SIZE
        ids = [joined[""][self._root.table.primary_id] for joined in found if joined[""] is not None]
        start = paging.from_fetch(_number(fetch, "page", 1), fetch.get("paging-cookie"))
        page = paging.cut(found, ids, min(size, MAX_PAGE_SIZE), start)
        total = len(found) if fetch.get("returntotalrecordcount") == "true" else None
        return Result([project(joined) for joined in page.rows], page.next, total)

    def counts(self) -> Result:
        """Return one row that counts; more rows than Dataverse aggregates are refused."""
        found = self.matches()
        if len(found) > _MOST_AGGREGATED:
            raise bad_request("AggregateQueryRecordLimit exceeded. Cannot perform this operation.", "0x8004E023")
        return Result([dict(self._count(found, *one) for one in self._aggregates())], None, None)

    def _aggregates(self) -> Iterable[tuple[_Entity, Element]]:
        return ((entity, one) for entity in self._entities.values() for one in entity.element.findall("attribute"))

    def _count(self, found: Sequence[Joined], entity: _Entity, attribute: Element) -> tuple[str, int]:
        alias, name = attribute.get("alias"), _column(entity.table, attribute.get("name", "")).name
        if alias is None or attribute.get("groupby") == "true" or not attribute.get("aggregate"):
            raise bad_request("An attribute of an aggregate query needs an alias and an aggregate.", "0x80041104")
        match attribute.get("aggregate"):
            case "count":
                return alias, len(found)
            case "countcolumn":
                rows = (joined[entity.alias] for joined in found)
                there = [plain(row[name]) for row in rows if row is not None and row.get(name) is not None]
                return alias, len(set(there) if attribute.get("distinct") == "true" else there)
            case other:
                raise not_implemented(f"The aggregate '{other}' in FetchXML")

    def matches(self) -> list[Joined]:
        """Join the links, then keep what passes the filter of the root (which may look at outer links)."""
        found: Iterable[Joined] = ({"": row} for row in self._reader.store.rows(self._root.table.name).values())
        checks = self._checks(self._root)
        own = [check for check, foreign in checks if not foreign]
        found = [joined for joined in found if all(check(joined) for check in own)]
        for link in self._root.links:
            found = self._join(found, self._root, link)
        late = [check for check, foreign in checks if foreign]
        return [joined for joined in found if all(check(joined) for check in late)]

    def _join(self, near: Iterable[Joined], parent: _Entity, link: _Entity) -> list[Joined]:
        there, here = self._link_columns(parent, link)
        checks = [check for check, _ in self._checks(link)]
        index: dict[Any, list[Row]] = {}
        for row in self._reader.store.rows(link.table.name).values():
            value = plain(row.get(there.name))
            if value is not None and all(check({link.alias: row}) for check in checks):
                index.setdefault(value, []).append(row)
        joined: list[Joined] = []
        for left in near:
            parent_row = left[parent.alias]
            matching = index.get(plain(parent_row.get(here.name)), []) if parent_row else []
            joined.extend(self._combine(left, link, matching))
        return joined

    def _combine(self, left: Joined, link: _Entity, matching: Sequence[Row]) -> Iterable[Joined]:
        if link.link_type in _ANTI_JOINS:
            return [] if self._nested(left, link, matching) else [left]
        expanded = self._nested(left, link, matching)
        if link.link_type in _SEMI_JOINS:
            return [left] if expanded else []
        if link.link_type == "outer" and not expanded:
            return [{**left, **{entity.alias: None for entity in _flatten(link)}}]
        return expanded

    def _nested(self, left: Joined, link: _Entity, matching: Sequence[Row]) -> list[Joined]:
        expanded: list[Joined] = [{**left, link.alias: row} for row in matching]
        for inner in link.links:
            expanded = self._join(expanded, link, inner)
        return expanded

    def _link_columns(self, parent: _Entity, link: _Entity) -> tuple[Column, Column]:
        there = _column(link.table, link.element.get("from", link.table.primary_id))
        return there, _column(parent.table, link.element.get("to", parent.table.primary_id))

    def _checks(self, entity: _Entity) -> list[tuple[Check, bool]]:
        """Return the filters of an entity, each with whether it looks at another entity."""
        return [
            (self._filter(element, entity), any(inner.get("entityname") for inner in element.iter("condition")))
            for element in entity.element.findall("filter")
        ]

    def _filter(self, element: Element, entity: _Entity) -> Check:
        parts = [self._filter(inner, entity) for inner in element.findall("filter")]
        parts += [self._condition(inner, entity) for inner in element.findall("condition")]
        if element.get("type") == "or":
            return lambda joined: any(check(joined) for check in parts)
        return lambda joined: all(check(joined) for check in parts)

    def _condition(self, element: Element, entity: _Entity) -> Check:
        owner = self._entities.get(element.get("entityname", ""), entity) if element.get("entityname") else entity
        alias = owner.alias
        column = _column(owner.table, element.get("attribute", ""))
        nested = [value.text or "" for value in element.findall("value")]
        value = element.get("value")
        operands = nested or ([value] if value is not None else [])
        passes = conditions.test(element.get("operator", "eq"), column, operands, self._reader.circumstances)

        def check(joined: Joined) -> bool:
            row = joined.get(alias)
            return passes(row.get(column.name) if row else None)

        return check

    def _sorted(self, found: list[Joined]) -> list[Joined]:
        keys: list[tuple[str, Column, bool]] = []
        for entity in self._entities.values():
            for order in entity.element.findall("order"):
                column = _column(entity.table, order.get("attribute", ""))
                keys.append((entity.alias, column, order.get("descending") == "true"))
        for alias, column, descending in reversed(keys):
            found.sort(key=lambda joined: _sort_value(joined.get(alias), column), reverse=descending)  # sorted at once
        return found

    def _projection(self) -> Callable[[Joined], dict[str, Any]]:
        outputs = [output for entity in self._entities.values() for output in self._outputs(entity)]
        primary_id = self._root.table.primary_id

        def project(joined: Joined) -> dict[str, Any]:
            root = joined[""] or {}
            document: dict[str, Any] = {"@odata.etag": etag(root)}
            for alias, column, name in outputs:
                row = joined.get(alias)
                value = row.get(column.name) if row else None
                if value is not None:  # as in Dataverse, FetchXML leaves out what is null
                    self._emit(document, column, name, value)
            document.setdefault(primary_id, root.get(primary_id))
            return document

        return project

    def _outputs(self, entity: _Entity) -> list[tuple[str, Column, str]]:
        if entity.link_type in _SEMI_JOINS | _ANTI_JOINS:
            return []
        if entity.element.find("all-attributes") is not None:
            columns = [(column, "") for column in entity.table.properties.values()]
        else:
            attributes = entity.element.findall("attribute")
            columns = [(_column(entity.table, a.get("name", "")), a.get("alias", "")) for a in attributes]
        if entity.alias:
            return [(entity.alias, column, alias or f"{entity.alias}.{column.name}") for column, alias in columns]
        if not columns:
            columns = [(column, "") for column in entity.table.properties.values()]
        return [("", column, alias or column.property_name) for column, alias in columns]

    def _emit(self, document: dict[str, Any], column: Column, name: str, value: Any) -> None:
        wants = self._reader.preferences.wants
        if wants(FORMATTED) and (label := self._reader.formatted(column, value)) is not None:
            document[f"{name}@{FORMATTED}"] = label
        if column.type is ColumnType.LOOKUP:
            if wants(NAVIGATION):
                document[f"{name}@{NAVIGATION}"] = column.targets.get(value.table)
            if wants(LOOKUP_TABLE):
                document[f"{name}@{LOOKUP_TABLE}"] = value.table
        document[name] = values.to_json(value)

    def _distinct(self, found: Sequence[Joined], project: Callable[[Joined], dict[str, Any]]) -> list[Joined]:
        seen: dict[str, Joined] = {}
        for joined in found:
            document = project(joined)
            document.pop("@odata.etag")
            seen.setdefault(repr(document), joined)
        return list(seen.values())


def _flatten(entity: _Entity) -> list[_Entity]:
    return [entity, *(inner for link in entity.links for inner in _flatten(link))]


def _column(table: Table, name: str) -> Column:
    column = table.columns.get(name)
    if column is None:
        raise WebApiError(
            400,
            _CODE,
            f"'{table.name}' entity doesn't contain attribute with Name = '{name}' and NameMapping = 'Logical'.",
        )
    return column


def _sort_value(row: Row | None, column: Column) -> tuple[bool, Any]:
    value = plain(row.get(column.name)) if row else None
    return (value is not None, value if value is not None else 0)


def _number(element: Element, attribute: str, default: int) -> int:
    text = element.get(attribute)
    if text is None:
        return default
    if not text.isdigit() or int(text) == 0:
        raise bad_request(f"Invalid value '{text}' for attribute '{attribute}' of fetch.", "0x80040201")
    return int(text)
