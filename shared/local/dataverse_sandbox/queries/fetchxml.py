"""FetchXML: joins, conditions, order, distinct rows and projection. The supported elements: `fetch_document`.

Source: Microsoft's "FetchXML reference".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import Column, Table
from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented
from shared.local.dataverse_sandbox.queries import conditions, fetch_document
from shared.local.dataverse_sandbox.queries.conditions import plain
from shared.local.dataverse_sandbox.queries.fetch_aggregates import Aggregation
from shared.local.dataverse_sandbox.queries.fetch_document import CODE, SEMI_JOINS, Condition, Entity, Fetch, Filter
from shared.local.dataverse_sandbox.requests import paging
from shared.local.dataverse_sandbox.requests.paging import PageStart
from shared.local.dataverse_sandbox.requests.preferences import MAX_PAGE_SIZE
from shared.local.dataverse_sandbox.rows.reading import Reader, etag
from shared.local.dataverse_sandbox.rows.store import Row

# A result before projection: the row of each entity by alias, the root under "".
Joined = Mapping[str, Row | None]
Check = Callable[[Joined], bool]
Index = Mapping[Any, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Result:
    """One page: `next` begins the following one, in a query whose rows have ids behind the last id."""

    documents: Sequence[dict[str, Any]]
    next: PageStart | None
    total: int | None


def run(text: str, table: Table, reader: Reader) -> Result:
    """Execute a fetch on `table`; WebApiError 400 for anything malformed or unknown, 501 for what is not simulated."""
    fetch = fetch_document.read(text, table, reader.store.schema)
    query = _Query(reader, fetch)
    return query.aggregated() if fetch.is_aggregate else query.page()


class _Query:
    """A fetch bound to a store; filters are compiled and links are indexed once."""

    def __init__(self, reader: Reader, fetch: Fetch) -> None:
        self._reader = reader
        self._fetch = fetch
        self._root = fetch.entity
        self._entities = {entity.alias: entity for entity in fetch.entity.flattened()}
        self._indexes: dict[int, Index] = {}
        for entity in self._entities.values():
            reader.may_look_into(entity.table)
            if not fetch.is_aggregate and any(one.aggregate or one.is_group for one in entity.attributes):
                raise bad_request("Aggregates and groups need the attribute aggregate='true' of fetch.", "0x80041104")
        self._checks: dict[int, list[tuple[Check, bool]]] = {}
        for entity in self._entities.values():
            self._checks_of(entity)

    def _rows(self, table: Table) -> Iterable[Row]:
        return self._reader.seen(table, self._reader.store.rows(table.name).values())

    def page(self) -> Result:
        fetch, key = self._fetch, self._root.table.primary_id
        found = self._sorted(self._matches())
        size = fetch.count or self._reader.preferences.page_size
        project = self._projection()
        has_ids = True
        if fetch.is_distinct:
            found = _distinct(found, project)
            has_ids = any(name == key for _, _, name in self._outputs(self._root))
        if fetch.top is not None:  # of the remaining rows, as in SQL
            found, size = found[: fetch.top], MAX_PAGE_SIZE
        ids = [joined[""][key] for joined in found if joined[""] is not None]
        start = paging.from_fetch(fetch.page, fetch.cookie)
        page = paging.cut(found, ids, min(size, MAX_PAGE_SIZE), start)
        total = len(found) if fetch.wants_total else None
        following = page.next if has_ids or page.next is None else PageStart(page.next.page, None)
        return Result([project(joined) for joined in page.rows], following, total)

    def aggregated(self) -> Result:
        """Return the groups, or the one row of a query without groups; too many rows are refused."""
        fetch = self._fetch
        found = self._matches()
        if len(found) > fetch.aggregate_limit:
            raise bad_request("AggregateQueryRecordLimit exceeded. Cannot perform this operation.", "0x8004E023")
        documents = Aggregation(self._reader, list(self._entities.values())).documents(found)
        if fetch.is_distinct or fetch.cookie is not None:
            raise not_implemented("The attribute 'distinct' or 'paging-cookie' of an aggregate query in FetchXML")
        total = len(documents) if fetch.wants_total else None
        size = min(fetch.top or fetch.count or MAX_PAGE_SIZE, MAX_PAGE_SIZE)
        first = (fetch.page - 1) * size
        more = fetch.top is None and len(documents) > first + size
        return Result(documents[first : first + size], PageStart(fetch.page + 1, None) if more else None, total)

    def _matches(self) -> list[Joined]:
        """Join the links, then keep the results that pass the filter of the root (which may read outer links)."""
        checks = self._checks_of(self._root)
        own = [check for check, looks_elsewhere in checks if not looks_elsewhere]
        rows: Iterable[Joined] = ({"": row} for row in self._rows(self._root.table))
        found = [joined for joined in rows if all(check(joined) for check in own)]
        for link in self._root.links:
            found = self._join(found, self._root.alias, link)
        late = [check for check, looks_elsewhere in checks if looks_elsewhere]
        return [joined for joined in found if all(check(joined) for check in late)]

    def _join(self, near: Iterable[Joined], parent: str, link: Entity) -> list[Joined]:
        if link.link_type in SEMI_JOINS:
            check = self._existence(link, parent)
            return [left for left in near if check(left)]
        joined: list[Joined] = []
        for left in near:
            expanded = self._expanded(left, link, self._related(left, parent, link))
            if link.link_type == "outer" and not expanded:
                expanded = [{**left, **{entity.alias: None for entity in link.flattened()}}]
            joined.extend(expanded)
        return joined

    def _expanded(self, left: Joined, link: Entity, related: Sequence[Row]) -> list[Joined]:
        """Join a row with each related row that passes the filters of the link, and with the links of that row."""
        checks = self._checks_of(link)
        own = [check for check, looks_elsewhere in checks if not looks_elsewhere]
        late = [check for check, looks_elsewhere in checks if looks_elsewhere]
        expanded: list[Joined] = [{**left, link.alias: row} for row in related]
        expanded = [joined for joined in expanded if all(check(joined) for check in own)]
        for inner in link.links:
            expanded = self._join(expanded, link.alias, inner)
        return [joined for joined in expanded if all(check(joined) for check in late)]

    def _existence(self, link: Entity, parent: str) -> Check:
        """Whether rows are related. `all` means: related rows exist, and none of them passes the filter."""

        def passes(joined: Joined) -> bool:
            related = self._related(joined, parent, link)
            some = bool(self._expanded(joined, link, related))
            if link.link_type == "all":
                return bool(related) and not some
            return some is (link.link_type != "not any")

        return passes

    def _related(self, left: Joined, parent: str, link: Entity) -> Sequence[Row]:
        row = left[parent]
        value = plain(row.get(link.near.name)) if row is not None and link.near is not None else None
        return self._index(link).get(value, ()) if value is not None else ()

    def _index(self, link: Entity) -> Index:
        if id(link) not in self._indexes:
            index: dict[Any, list[Row]] = {}
            for row in self._rows(link.table):
                if (value := plain(row.get(link.far.name))) is not None:
                    index.setdefault(value, []).append(row)
            self._indexes[id(link)] = index
        return self._indexes[id(link)]

    # ---------------------------------------------------------------------------------------------------- conditions

    def _checks_of(self, entity: Entity) -> list[tuple[Check, bool]]:
        """Return the filters of an entity, compiled once, each with a flag for filters that read another entity."""
        if id(entity) not in self._checks:
            self._checks[id(entity)] = [
                (self._filter(one, entity), any(inner.looks_elsewhere for inner in one.all_conditions()))
                for one in entity.filters
            ]
        return self._checks[id(entity)]

    def _filter(self, one: Filter, entity: Entity) -> Check:
        parts = [self._filter(inner, entity) for inner in one.filters]
        parts += [self._condition(inner, entity) for inner in one.conditions]
        parts += [self._link_in_filter(link, entity) for link in one.links]
        if one.is_or:
            return lambda joined: any(check(joined) for check in parts)
        return lambda joined: all(check(joined) for check in parts)

    def _link_in_filter(self, link: Entity, entity: Entity) -> Check:
        for inner in link.flattened():
            self._reader.may_look_into(inner.table)
            self._checks_of(inner)  # a malformed filter is refused even if no row reaches it
        return self._existence(link, entity.alias)

    def _condition(self, condition: Condition, entity: Entity) -> Check:
        owner = self._owner(condition.entity, entity)
        column = fetch_document.column(owner.table, condition.attribute)
        if condition.other is not None:
            return self._comparison(condition, owner, column, entity)
        passes = conditions.test(condition.operator, column, condition.operands, self._reader.context)

        def check(joined: Joined) -> bool:
            row = joined.get(owner.alias)
            return passes(row.get(column.name) if row else None)

        return check

    def _comparison(self, condition: Condition, owner: Entity, column: Column, entity: Entity) -> Check:
        alias, _, name = (condition.other or "").rpartition(".")
        far = self._owner(alias or None, owner if not alias else entity)
        other = fetch_document.column(far.table, name)
        compared = conditions.compare(condition.operator)
        if condition.operands or column.family != other.family:
            raise bad_request(f"The columns '{column.name}' and '{other.name}' cannot be compared.", CODE)

        def check(joined: Joined) -> bool:
            left, right = joined.get(owner.alias) or {}, joined.get(far.alias) or {}
            return compared(left.get(column.name), right.get(other.name))

        return check

    def _owner(self, alias: str | None, entity: Entity) -> Entity:
        if alias is None:
            return entity
        found = self._entities.get(alias) or next((e for e in self._entities.values() if e.table.name == alias), None)
        if found is None:
            raise bad_request(f"No entity of the query has the alias '{alias}'.", CODE)
        return found

    # -------------------------------------------------------------------------------------------- order, projection

    def _sorted(self, found: list[Joined]) -> list[Joined]:
        keys: list[tuple[str, Column, bool]] = []
        for entity in self._entities.values():
            for order in entity.orders:
                if order.alias is not None:
                    raise bad_request("Only an aggregate query is sorted by alias.", CODE)
                owner = self._owner(order.entity, entity)
                column = fetch_document.column(owner.table, order.attribute or "")
                keys.append((owner.alias, column, order.is_descending))
        sortable = (lambda _column, value: plain(value)) if self._fetch.sorts_raw else self._reader.sortable
        for alias, column, descending in reversed(keys):
            found.sort(key=lambda joined: _sort_key(joined.get(alias), column, sortable), reverse=descending)
        return found

    def _projection(self) -> Callable[[Joined], dict[str, Any]]:
        outputs = [output for entity in self._entities.values() for output in self._outputs(entity)]
        primary_id = self._root.table.primary_id
        is_distinct = self._fetch.is_distinct

        def project(joined: Joined) -> dict[str, Any]:
            root = joined[""] or {}
            document: dict[str, Any] = {} if is_distinct else {"@odata.etag": etag(root)}
            for alias, column, name in outputs:
                row = joined.get(alias)
                value = row.get(column.name) if row else None
                if value is not None:  # as in Dataverse, FetchXML leaves out what is null
                    self._reader.emit(document, column, name, value)
            if not is_distinct:
                document.setdefault(primary_id, root.get(primary_id))
            return document

        return project

    def _outputs(self, entity: Entity) -> list[tuple[str, Column, str]]:
        if entity.link_type in SEMI_JOINS:
            return []
        columns = [(one.column, one.alias) for one in entity.attributes]
        if entity.takes_all or (not columns and not entity.alias):
            columns = [(column, None) for column in entity.table.properties.values()]
        if entity.alias:
            return [(entity.alias, column, alias or f"{entity.alias}.{column.name}") for column, alias in columns]
        return [("", column, alias or column.property_name) for column, alias in columns]


def _distinct(found: Sequence[Joined], project: Callable[[Joined], dict[str, Any]]) -> list[Joined]:
    seen: dict[str, Joined] = {}
    for joined in found:
        seen.setdefault(repr(project(joined)).casefold(), joined)
    return list(seen.values())


def _sort_key(row: Row | None, column: Column, sortable: Callable[[Column, Any], Any]) -> tuple[bool, Any]:
    value = sortable(column, row.get(column.name) if row else None)
    return (value is not None, value if value is not None else 0)
