"""Turns stored rows into the JSON of the Web API: selected columns, annotations, expanded relations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType, Table, ToOne
from shared.local.dataverse_sandbox.organisation.errors import not_implemented, unknown_navigation, unknown_property
from shared.local.dataverse_sandbox.organisation.privileges import Access
from shared.local.dataverse_sandbox.queries.conditions import QueryContext
from shared.local.dataverse_sandbox.queries.filters import compile_filter, related_rows
from shared.local.dataverse_sandbox.requests import paging
from shared.local.dataverse_sandbox.requests.paging import PageStart
from shared.local.dataverse_sandbox.requests.preferences import FORMATTED, LOOKUP_TABLE, NAVIGATION, Preferences
from shared.local.dataverse_sandbox.requests.query_options import Expansion, QueryOptions
from shared.local.dataverse_sandbox.rows import values
from shared.local.dataverse_sandbox.rows.publication import PUBLISHABLE, View, all_seen
from shared.local.dataverse_sandbox.rows.store import Row, RowRef, Store

Shape = Callable[[Row], dict[str, Any]]
Selection = Callable[[Iterable[Row] | None], list[Row]]


class Reader:
    """Reads rows for one request. `view` is the state of customisations that it sees."""

    def __init__(self, store: Store, context: QueryContext, preferences: Preferences, base_url: str) -> None:
        self.store = store
        self.context = context
        self.preferences = preferences
        self.base_url = base_url
        self.view = View.PUBLISHED

    def rows(self, table: Table, options: QueryOptions, among: Iterable[Row] | None = None) -> list[Row]:
        """Return the rows that pass the filter, in order. `among` limits the choice to these."""
        return self.selection(table, options)(among)

    def selection(self, table: Table, options: QueryOptions) -> Selection:
        """Build the filter of a table as a function; WebApiError 400 for unknown names."""
        self.may_look_into(table)
        condition = options.filter
        compiled = compile_filter(condition, table, self.store, self.context) if condition is not None else None
        keys = [(self._sort_key(table, key.path), key.descending) for key in options.order]

        def select(among: Iterable[Row] | None) -> list[Row]:
            found = among
            if compiled is not None and found is None and compiled.ids is not None:
                candidates = (self.store.get(table.name, identifier) for identifier in sorted(compiled.ids))
                found = [row for row in candidates if row is not None]
            elif found is None:
                found = self.store.rows(table.name).values()
            found = self.seen(table, found)
            rows = list(filter(compiled.passes, found) if compiled is not None else found)
            for extract, descending in reversed(keys):  # stable sorts, the least significant key first
                rows.sort(key=extract, reverse=descending)
            return rows

        return select

    def seen(self, table: Table, rows: Iterable[Row]) -> Iterable[Row]:
        """Return rows in the state that the request sees, without those that it does not see."""
        return all_seen(self.view, table.name, rows) if table.name in PUBLISHABLE else rows

    def shape(self, table: Table, options: QueryOptions, relatives: Sequence[Table] = ()) -> Shape:
        """Build the function that turns a row into JSON; WebApiError 400 for unknown names.

        A selected column that this table lacks is left out if one of the `relatives` has it.
        """
        self.may_look_into(table)
        columns = self._columns(table, options.select, relatives)
        emitters = [self._emitter(column) for column in columns]
        expansions = [self._expansion(table, expansion) for expansion in options.expand]

        def shape(row: Row) -> dict[str, Any]:
            document: dict[str, Any] = {"@odata.etag": etag(row)}
            for emit in emitters:
                emit(row, document)
            for expand in expansions:
                expand(row, document)
            return document

        return shape

    def references(self, table: Table) -> Shape:
        """Build the function that turns a row into its address."""
        self.may_look_into(table)
        return lambda row: {"@odata.id": f"{self.base_url}/{table.set_name}({row[table.primary_id]})"}

    def may_look_into(self, table: Table) -> None:
        """Require the privilege to read a table; WebApiError 403 without it."""
        self.context.rights.require(Access.READ, table.name)

    def lookup_name(self, reference: RowRef) -> str | None:
        """Return the primary name of the row that a lookup points to."""
        row = self.store.follow(reference)
        name = row.get(self.store.schema.tables[reference.table].primary_name) if row else None
        return name if isinstance(name, str) else None

    def formatted(self, column: Column, value: Any) -> str | None:
        """Return the formatted value of any column, lookups included."""
        return self.lookup_name(value) if isinstance(value, RowRef) else values.formatted(column, value)

    def emit(self, document: dict[str, Any], column: Column, name: str, value: Any) -> None:
        """Write a value that is not empty under a name, after its requested annotations."""
        wants = self.preferences.wants
        if wants(FORMATTED) and (label := self.formatted(column, value)) is not None:
            document[f"{name}@{FORMATTED}"] = label
        if isinstance(value, RowRef):
            if wants(NAVIGATION):
                document[f"{name}@{NAVIGATION}"] = column.targets.get(value.table)
            if wants(LOOKUP_TABLE):
                document[f"{name}@{LOOKUP_TABLE}"] = value.table
        document[name] = values.to_json(value)

    def _columns(self, table: Table, select: Sequence[str] | None, relatives: Sequence[Table]) -> list[Column]:
        if select is None or "*" in select:
            return list(table.properties.values())
        for name in select:
            if name not in table.properties and not any(name in one.properties for one in relatives):
                raise unknown_property(name, table)
        chosen = dict.fromkeys(name for name in select if name in table.properties)
        columns = [table.properties[name] for name in chosen]
        if any(column.type is ColumnType.MONEY for column in columns):
            chosen["_transactioncurrencyid_value"] = None
        chosen[table.primary_id] = None
        return [table.properties[name] for name in chosen]

    def _emitter(self, column: Column) -> Callable[[Row, dict[str, Any]], None]:
        name, shown = column.name, column.property_name
        if column.is_managed_property:

            def emit_property(row: Row, document: dict[str, Any]) -> None:
                document[shown] = {"Value": row.get(name), "CanBeChanged": True, "ManagedPropertyLogicalName": name}

            return emit_property
        with_label = self.preferences.wants(FORMATTED)
        if column.type is not ColumnType.LOOKUP and not with_label:

            def emit_plain(row: Row, document: dict[str, Any]) -> None:
                document[shown] = row.get(name)

            return emit_plain

        def emit(row: Row, document: dict[str, Any]) -> None:
            value = row.get(name)
            if value is None:
                document[shown] = None
            else:
                self.emit(document, column, shown, value)

        return emit

    def _expansion(self, table: Table, expansion: Expansion) -> Callable[[Row, dict[str, Any]], None]:
        navigation = table.navigations.get(expansion.navigation)
        if navigation is None:
            raise unknown_navigation(expansion.navigation, table)
        if isinstance(navigation, ToOne):
            return self._expansion_of_one(table, navigation, expansion)
        target = self.store.schema.tables[navigation.target]
        options = expansion.options
        shape = self.references(target) if expansion.is_reference else self.shape(target, options)
        select = self.selection(target, options)
        page_size = self.preferences.page_size
        size = page_size if options.top is None else min(page_size, options.top)

        def expand_many(row: Row, document: dict[str, Any]) -> None:
            found = select(related_rows(self.store, navigation, row, table))
            document[expansion.navigation] = [shape(one) for one in found[:size]]
            if len(found) > size and options.top is None:
                page = paging.cut(found, [one[target.primary_id] for one in found], size, None)
                document[f"{expansion.navigation}@odata.nextLink"] = self._link_to_rest(
                    f"{table.set_name}({row[table.primary_id]})/{navigation.name}", options, target, page.next
                )

        return expand_many

    def _expansion_of_one(
        self, table: Table, navigation: ToOne, expansion: Expansion
    ) -> Callable[[Row, dict[str, Any]], None]:
        """Expand a lookup; an owner is a user or a team, which have different columns."""
        tables = [self.store.schema.tables[name] for name in navigation.targets if name in self.store.schema.tables]

        def build(target: Table) -> Shape:
            return self.references(target) if expansion.is_reference else self.shape(target, expansion.options, tables)

        shapes = {tables[0].name: build(tables[0])}

        def expand_one(row: Row, document: dict[str, Any]) -> None:
            found = next(iter(related_rows(self.store, navigation, row, table)), None)
            if found is None:
                document[expansion.navigation] = None
                return
            name = row[navigation.column].table
            if name not in shapes:
                shapes[name] = build(self.store.schema.tables[name])
            document[expansion.navigation] = shapes[name](found)

        return expand_one

    def _link_to_rest(self, path: str, options: QueryOptions, target: Table, start: PageStart | None) -> str:
        if options.expand:
            raise not_implemented("The link to the next page of a relationship that is expanded with an $expand inside")
        token = paging.paging_cookie(start, target.primary_id) if start else ""
        return paging.link(f"{self.base_url}/{path}", {**options.texts, "$skiptoken": token})

    def _sort_key(self, table: Table, path: Sequence[str]) -> Callable[[Row], tuple[bool, Any]]:
        *way, last = path
        steps: list[ToOne] = []
        for name in way:
            navigation = table.navigations.get(name)
            if not isinstance(navigation, ToOne):
                raise unknown_navigation(name, table)
            steps.append(navigation)
            table = self.store.schema.tables[navigation.target]
            self.may_look_into(table)
        if last not in table.properties:
            raise unknown_property(last, table)
        column = table.properties[last]

        def extract(row: Row) -> tuple[bool, Any]:
            current: Row | None = row
            for step in steps:
                current = self.store.follow(current.get(step.column)) if current else None
            value = self.sortable(column, current.get(column.name) if current else None)
            return (value is not None, value if value is not None else 0)

        return extract

    def sortable(self, column: Column, value: Any) -> Any:
        """Return the sort key of a value."""
        # Dataverse sorts choices and lookups by their displayed text.
        if value is None or not (column.type.is_choice or column.type is ColumnType.LOOKUP):
            return value.casefold() if isinstance(value, str) else value
        return (self.formatted(column, value) or "").casefold()


def etag(row: Row) -> str:
    """Return the version of a row in the form of If-Match."""
    return f'W/"{row["versionnumber"]}"'
