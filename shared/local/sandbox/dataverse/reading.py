"""Turns stored rows into the JSON of the Web API: selected columns, annotations, expanded relations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shared.local.sandbox.dataverse import odata, values
from shared.local.sandbox.dataverse.conditions import Circumstances
from shared.local.sandbox.dataverse.errors import unknown_property
from shared.local.sandbox.dataverse.filters import compile_filter, related_rows
from shared.local.sandbox.dataverse.preferences import Preferences
from shared.local.sandbox.dataverse.privileges import Access
from shared.local.sandbox.dataverse.query_options import Expansion, Order, QueryOptions
from shared.local.sandbox.dataverse.schema import Column, ColumnType, Table, ToOne
from shared.local.sandbox.dataverse.store import Row, RowRef, Store

Shape = Callable[[Row], dict[str, Any]]

FORMATTED = "OData.Community.Display.V1.FormattedValue"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
LOOKUP_TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"


class Reader:
    """Reads on behalf of one request."""

    def __init__(self, store: Store, circumstances: Circumstances, preferences: Preferences, base_url: str) -> None:
        self.store = store
        self.circumstances = circumstances
        self.preferences = preferences
        self.base_url = base_url

    def rows(self, table: Table, options: QueryOptions, among: Iterable[Row] | None = None) -> list[Row]:
        """Return the rows that pass the filter, in order. `among` limits the choice to these."""
        self.may_look_into(table)
        found = among
        if options.filter is not None:
            compiled = compile_filter(odata.parse(options.filter), table, self.store, self.circumstances)
            if found is None and compiled.ids is not None:
                candidates = (self.store.get(table.name, identifier) for identifier in sorted(compiled.ids))
                found = [row for row in candidates if row is not None]
            elif found is None:
                found = self.store.rows(table.name).values()
            found = filter(compiled.passes, found)
        elif found is None:
            found = self.store.rows(table.name).values()
        return self._sorted(list(found), table, options.order)

    def shape(self, table: Table, options: QueryOptions) -> Shape:
        """Build the function that turns a row into JSON; WebApiError 400 for names that the table does not have."""
        self.may_look_into(table)
        columns = self._columns(table, options.select)
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

    def may_look_into(self, table: Table) -> None:
        """Ask for the privilege to read a table; WebApiError 403 without it."""
        self.circumstances.rights.require(Access.READ, table.name)

    def lookup_name(self, reference: RowRef) -> str | None:
        """Return the primary name of the row that a lookup points to."""
        row = self.store.follow(reference)
        name = row.get(self.store.schema.tables[reference.table].primary_name) if row else None
        return name if isinstance(name, str) else None

    def formatted(self, column: Column, value: Any) -> str | None:
        """Return the formatted value of any column, lookups included."""
        return self.lookup_name(value) if isinstance(value, RowRef) else values.formatted(column, value)

    def _columns(self, table: Table, select: Sequence[str] | None) -> list[Column]:
        if select is None or "*" in select:
            return list(table.properties.values())
        chosen = dict.fromkeys(select)
        for name in chosen:
            if name not in table.properties:
                raise unknown_property(name, table.name)
        columns = [table.properties[name] for name in chosen]
        if any(column.type is ColumnType.MONEY for column in columns):
            chosen["_transactioncurrencyid_value"] = None
        chosen[table.primary_id] = None
        return [table.properties[name] for name in chosen]

    def _emitter(self, column: Column) -> Callable[[Row, dict[str, Any]], None]:
        name, shown = column.name, column.property_name
        with_label = self.preferences.wants(FORMATTED)
        extras = [mark for mark in (NAVIGATION, LOOKUP_TABLE) if self.preferences.wants(mark)]
        if column.type is not ColumnType.LOOKUP and not with_label:

            def emit_plain(row: Row, document: dict[str, Any]) -> None:
                document[shown] = row.get(name)

            return emit_plain

        def emit(row: Row, document: dict[str, Any]) -> None:
            value = row.get(name)
            if value is not None:
                if with_label and (label := self.formatted(column, value)) is not None:
                    document[f"{shown}@{FORMATTED}"] = label
                if isinstance(value, RowRef):
                    for mark in extras:
                        text = column.targets.get(value.table) if mark == NAVIGATION else value.table
                        document[f"{shown}@{mark}"] = text
            document[shown] = values.to_json(value)

        return emit

    def _expansion(self, table: Table, expansion: Expansion) -> Callable[[Row, dict[str, Any]], None]:
        navigation = table.navigations.get(expansion.navigation)
        if navigation is None:
            raise unknown_property(expansion.navigation, table.name)
        target = self.store.schema.tables[navigation.target]
        options = expansion.options
        shape = self.shape(target, options)
        size = min(self.preferences.page_size, options.top or self.preferences.page_size)

        def expand_one(row: Row, document: dict[str, Any]) -> None:
            found = next(iter(related_rows(self.store, navigation, row, table)), None)
            document[expansion.navigation] = shape(found) if found is not None else None

        def expand_many(row: Row, document: dict[str, Any]) -> None:
            found = self.rows(target, options, related_rows(self.store, navigation, row, table))
            document[expansion.navigation] = [shape(one) for one in found[:size]]
            if len(found) > size and options.top is None:
                link = f"{self.base_url}/{table.set_name}({row[table.primary_id]})/{navigation.name}"
                document[f"{expansion.navigation}@odata.nextLink"] = link

        return expand_one if isinstance(navigation, ToOne) else expand_many

    def _sorted(self, rows: list[Row], table: Table, order: Sequence[Order]) -> list[Row]:
        for key in reversed(order):  # stable sorts, the least significant key first
            extract = self._sort_key(table, key.path)
            rows.sort(key=extract, reverse=key.descending)
        return rows

    def _sort_key(self, table: Table, path: Sequence[str]) -> Callable[[Row], tuple[bool, Any]]:
        *way, last = path
        steps: list[ToOne] = []
        for name in way:
            navigation = table.navigations.get(name)
            if not isinstance(navigation, ToOne):
                raise unknown_property(name, table.name)
            steps.append(navigation)
            table = self.store.schema.tables[navigation.target]
            self.may_look_into(table)
        if last not in table.properties:
            raise unknown_property(last, table.name)
        column = table.properties[last]

        def extract(row: Row) -> tuple[bool, Any]:
            current: Row | None = row
            for step in steps:
                current = self.store.follow(current.get(step.column)) if current else None
            value = self._sortable(column, current.get(column.name) if current else None)
            return (value is not None, value if value is not None else 0)

        return extract

    def _sortable(self, column: Column, value: Any) -> Any:
        # Dataverse sorts choices and lookups by what the user sees.
        if value is None or not (column.type.is_choice or column.type is ColumnType.LOOKUP):
            return value.casefold() if isinstance(value, str) else value
        return (self.formatted(column, value) or "").casefold()


def etag(row: Row) -> str:
    """Return the version of a row the way that If-Match takes it."""
    return f'W/"{row["versionnumber"]}"'
