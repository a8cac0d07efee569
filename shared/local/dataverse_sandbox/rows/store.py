"""The rows, in memory. One event loop owns a store; every operation is synchronous, hence atomic to other requests.

A stored row is never changed in place: writing replaces it. Images, roll-backs and pages therefore share rows without
copies. Columns without a value are absent. Values are JSON types, ids and dates in the Web API's own spelling, and
`RowRef`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from shared.local.dataverse_sandbox.metadata.schema import Schema

Row = Mapping[str, Any]

# Every row points to its creator, business unit and currency; no request navigates back over these.
_UNINDEXED = frozenset(
    {"createdby", "modifiedby", "createdonbehalfby", "modifiedonbehalfby", "ownerid", "owninguser", "owningteam"}
    | {"owningbusinessunit", "transactioncurrencyid", "organizationid"}
)


class RowRef(NamedTuple):
    """The value of a lookup."""

    table: str
    id: str


class Referrer(NamedTuple):
    """A row and the lookup by which it points to another one."""

    table: str
    column: str
    id: str


@dataclass(frozen=True, eq=False, slots=True)
class Checkpoint:
    """What a store held at one moment. Rows are never changed in place, so that both share them."""

    schema: Schema
    version: int
    rows: Mapping[str, Mapping[str, Row]]
    referrers: Mapping[str, Mapping[Referrer, None]]
    keys: Mapping[tuple[str, tuple[str, ...]], Mapping[tuple[Any, ...], str]]


class Store:
    """Rows by table and id, with versions, alternate keys and the referrers of each row."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.version = 1_000_000
        self.generations: dict[str, int] = dict.fromkeys(schema.tables, 0)
        self._rows: dict[str, dict[str, Row]] = {name: {} for name in schema.tables}
        self._referrers: dict[str, dict[Referrer, None]] = {}
        self._keys: dict[tuple[str, tuple[str, ...]], dict[tuple[Any, ...], str]] = {
            (table.name, key): {} for table in schema.tables.values() for key in table.keys
        }
        self._undo: list[Callable[[], None]] | None = None

    def copy(self) -> Store:
        """A store with the same rows."""
        other = Store(self.schema)
        other.version, other.generations = self.version, dict(self.generations)
        other._rows = {table: dict(rows) for table, rows in self._rows.items()}
        other._referrers = {identifier: dict(referrers) for identifier, referrers in self._referrers.items()}
        other._keys = {key: dict(index) for key, index in self._keys.items()}
        return other

    def rows(self, table: str) -> Mapping[str, Row]:
        """All rows of a table by id, oldest first."""
        return self._rows[table]

    def get(self, table: str, identifier: str) -> Row | None:
        """One row."""
        return self._rows[table].get(identifier)

    def follow(self, reference: RowRef | None) -> Row | None:
        """The row behind a lookup."""
        return self._rows[reference.table].get(reference.id) if reference else None

    def by_key(self, table: str, values: Mapping[str, Any]) -> str | None:
        """The id of the row with these alternate key values; KeyError if there is no such key."""
        for key in self.schema.tables[table].active_keys:
            if set(key) == set(values):
                return self._keys[table, key].get(tuple(_folded(values[column]) for column in key))
        raise KeyError(table)

    def key_holder(self, table: str, key: tuple[str, ...], row: Row) -> str | None:
        """The id of the row that holds the alternate key values of `row`; incomplete values are held by no row."""
        values = _key_values(key, row)
        return self._keys[table, key].get(values) if values else None

    def referrers(self, identifier: str) -> list[Referrer]:
        """The rows and lookups that point to a row, apart from owners, authors and currencies."""
        return list(self._referrers.get(identifier, ()))

    def related(self, identifier: str, table: str, column: str) -> Iterator[Row]:
        """The rows of `table` whose lookup `column` points to a row."""
        rows = self._rows[table]
        for referrer in self._referrers.get(identifier, ()):
            if referrer.table == table and referrer.column == column:
                yield rows[referrer.id]

    def put(self, table: str, identifier: str, row: Mapping[str, Any]) -> Row:
        """Insert or replace; returns the row with its new version number."""
        self.version += 1
        new = {**row, "versionnumber": self.version}
        self._set(table, identifier, new)
        return new

    def remove(self, table: str, identifier: str) -> None:
        """Delete a row."""
        self.version += 1
        self._set(table, identifier, None)

    def load(self, rows: Iterable[tuple[str, str, Row]]) -> None:
        """Insert rows as they are (table, id, row)."""
        for table, identifier, row in rows:
            self.put(table, identifier, row)

    def alter(self, schema: Schema) -> None:
        """Replace the schema. The rows of a removed table, and values of a removed column, are removed before."""
        if self._undo is not None:
            self._undo.append(partial(self.alter, self.schema))
        self.schema = schema
        wanted = {(table.name, key) for table in schema.tables.values() for key in table.keys}
        for name in schema.tables.keys() - self._rows.keys():
            self._rows[name], self.generations[name] = {}, 0
        for gone in self._keys.keys() - wanted:
            del self._keys[gone]
        for table, key in wanted - self._keys.keys():
            held = ((_key_values(key, row), identifier) for identifier, row in self._rows[table].items())
            self._keys[table, key] = {values: identifier for values, identifier in held if values}

    def checkpoint(self) -> Checkpoint:
        """Return what the store holds now."""
        return Checkpoint(
            self.schema,
            self.version,
            {table: dict(rows) for table, rows in self._rows.items()},
            {identifier: dict(referrers) for identifier, referrers in self._referrers.items()},
            {key: dict(held) for key, held in self._keys.items()},
        )

    def rewind(self, checkpoint: Checkpoint) -> None:
        """Return to an earlier moment; what readers derived from any table is stale then."""
        self.schema, self.version = checkpoint.schema, checkpoint.version
        self._rows = {table: dict(rows) for table, rows in checkpoint.rows.items()}
        self._referrers = {identifier: dict(referrers) for identifier, referrers in checkpoint.referrers.items()}
        self._keys = {key: dict(held) for key, held in checkpoint.keys.items()}
        newest = max(self.generations.values()) + 1
        self.generations = dict.fromkeys(self._rows, newest)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: an exception undoes the writes of the block. An inner block belongs to the outer one."""
        if self._undo is not None:
            yield
            return
        self._undo = []
        try:
            yield
        except BaseException:
            undo, self._undo = self._undo, None
            for revert in reversed(undo):
                revert()
            raise
        finally:
            self._undo = None

    def _set(self, table: str, identifier: str, new: Row | None) -> None:
        rows = self._rows[table]
        self.generations[table] += 1  # marks data that readers derived from the table as stale
        old = rows.get(identifier)
        if self._undo is not None:
            self._undo.append(partial(self._set, table, identifier, old))
        self._index(table, identifier, old, new)
        if new is None:
            rows.pop(identifier, None)
        else:
            rows[identifier] = new

    def _index(self, table: str, identifier: str, old: Row | None, new: Row | None) -> None:
        before, after = old or {}, new or {}
        for column, value in before.items():
            if type(value) is RowRef and column not in _UNINDEXED and after.get(column) != value:
                self._referrers[value.id].pop(Referrer(table, column, identifier), None)
        for column, value in after.items():
            if type(value) is RowRef and column not in _UNINDEXED:
                self._referrers.setdefault(value.id, {})[Referrer(table, column, identifier)] = None
        for key in self.schema.tables[table].keys:
            index = self._keys[table, key]
            held = _key_values(key, before)
            if held and index.get(held) == identifier:
                del index[held]
            if wanted := _key_values(key, after):
                index[wanted] = identifier


def _key_values(key: tuple[str, ...], row: Row) -> tuple[Any, ...] | None:
    values = tuple(_folded(row.get(column)) for column in key)
    return None if None in values else values


def _folded(value: Any) -> Any:
    match value:
        case RowRef():
            return value.id
        case str():
            return value.casefold()
        case _:
            return value
