"""Compiles a parsed `$filter` for a table into a predicate on its rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.local.dataverse_sandbox.metadata.schema import (
    Column,
    ColumnType,
    ManyToMany,
    Navigation,
    Table,
    ToMany,
    ToOne,
)
from shared.local.dataverse_sandbox.organisation.errors import (
    bad_request,
    not_implemented,
    unknown_navigation,
    unknown_property,
)
from shared.local.dataverse_sandbox.organisation.privileges import Access
from shared.local.dataverse_sandbox.queries import conditions
from shared.local.dataverse_sandbox.queries.conditions import QueryContext
from shared.local.dataverse_sandbox.queries.odata import (
    And,
    ColumnComparison,
    Comparison,
    Function,
    Literal,
    LiteralKind,
    Node,
    Not,
    Or,
)
from shared.local.dataverse_sandbox.rows.store import Row, Store

Predicate = Callable[[Row], bool]

_TEXT_OPERATORS = {"contains": "contains", "startswith": "begins-with", "endswith": "ends-with"}
_FUNCTIONS = {
    "DoesNotContainValues": "not-contain-values",
    "Last7Days": "last-seven-days",
    "Next7Days": "next-seven-days",
}
_EQUAL = re.compile(r"(not-)?equal-(.+)")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=X)(?=[A-Z][a-z])")
_KINDS: dict[ColumnType, frozenset[LiteralKind]] = {
    ColumnType.BOOLEAN: frozenset({LiteralKind.BOOLEAN}),
    ColumnType.DATE_TIME: frozenset({LiteralKind.DATE}),
    ColumnType.LOOKUP: frozenset({LiteralKind.GUID}),
    ColumnType.UNIQUEIDENTIFIER: frozenset({LiteralKind.GUID}),
    ColumnType.STRING: frozenset({LiteralKind.STRING}),
    ColumnType.MEMO: frozenset({LiteralKind.STRING}),
    ColumnType.ENTITY_NAME: frozenset({LiteralKind.STRING}),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A predicate. `ids`, if not None, are the only rows that can pass, so that no scan of the table is needed."""

    passes: Predicate
    ids: frozenset[str] | None = None


def compile_filter(node: Node, table: Table, store: Store, context: QueryContext) -> Filter:
    """Bind a filter to a table; WebApiError 400 for unknown columns and operands that do not fit."""
    compiler = _Compiler(store, context)
    return Filter(compiler.predicate(node, table), _primary_ids(node, table))


def related_rows(store: Store, navigation: Navigation, row: Row, table: Table) -> Iterable[Row]:
    """Return the rows that a navigation property leads to, oldest first."""
    match navigation:
        case ToOne():
            reference = row.get(navigation.column)
            found = store.follow(reference) if reference and reference.table in navigation.targets else None
            return (found,) if found is not None else ()
        case ToMany():
            return store.related(row[table.primary_id], navigation.target, navigation.column)
        case ManyToMany():
            links = store.related(row[table.primary_id], navigation.intersect, navigation.near_column)
            ends = (store.follow(link[navigation.far_column]) for link in links if _leads_to(link, navigation))
            return (end for end in ends if end is not None)


def _leads_to(link: Row, navigation: ManyToMany) -> bool:
    end = link.get(navigation.far_column)  # none where the row at that end was deleted
    return end is not None and bool(end.table == navigation.target)


class _Compiler:
    def __init__(self, store: Store, context: QueryContext) -> None:
        self._store = store
        self._context = context

    def predicate(self, node: Node, table: Table) -> Predicate:  # one per kind of node
        match node:
            case And(parts):
                every = [self.predicate(part, table) for part in parts]
                return lambda row: all(passes(row) for passes in every)
            case Or(parts):
                return self._disjunction(parts, table)
            case Not(part):
                inner = self.predicate(part, table)
                return lambda row: not inner(row)
            case Comparison():
                return self._comparison(node, table)
            case ColumnComparison():
                return self._of_columns(node, table)
            case Function():
                return self._function(node, table)

    def _disjunction(self, parts: Sequence[Node], table: Table) -> Predicate:
        # `id eq 1 or id eq 2 or …` is how clients without `In` ask for many rows; a set lookup answers it.
        equal: dict[tuple[str, ...], list[Literal]] = {}
        others: list[Node] = []
        for part in parts:
            if isinstance(part, Comparison) and part.operator == "eq" and part.literal.kind is not LiteralKind.NULL:
                equal.setdefault(part.path, []).append(part.literal)
            else:
                others.append(part)
        anyone = [self._equal_to_any(path, literals, table) for path, literals in equal.items()]
        anyone += [self.predicate(part, table) for part in others]
        return lambda row: any(passes(row) for passes in anyone)

    def _equal_to_any(self, path: tuple[str, ...], literals: Sequence[Literal], table: Table) -> Predicate:
        def build(column: Column) -> conditions.Test:
            for literal in literals:
                _check_kind(column, literal)
            return conditions.test("in", column, [literal.value for literal in literals], self._context)

        return self._on_path(path, table, build)

    def _comparison(self, node: Comparison, table: Table) -> Predicate:
        def build(column: Column) -> conditions.Test:
            _check_kind(column, node.literal)
            if node.literal.kind is LiteralKind.NULL:
                operator = {"eq": "null", "ne": "not-null"}.get(node.operator)
                if operator is None:
                    raise bad_request(f"null cannot be compared by '{node.operator}'.")
                return conditions.test(operator, column, (), self._context)
            return conditions.test(node.operator, column, (node.literal.value,), self._context)

        is_null = node.literal.kind is LiteralKind.NULL
        return self._on_path(self._of_lookup(node.path, table) if is_null else node.path, table, build)

    def _of_lookup(self, path: tuple[str, ...], table: Table) -> tuple[str, ...]:
        """Comparison with null also takes the navigation property of a lookup: `parentbusinessunitid eq null`."""
        *way, last = path
        owner = self._walk(way, table)
        navigation = owner.navigations.get(last)
        if last in owner.properties or not isinstance(navigation, ToOne):
            return path
        return (*way, owner.columns[navigation.column].property_name)

    def _of_columns(self, node: ColumnComparison, table: Table) -> Predicate:
        for path in (node.path, node.other):
            if len(path) > 1:
                raise not_implemented(f"The comparison of columns over the relationship '{path[0]}'")
            if path[0] not in table.properties:
                raise unknown_property(path[0], table)
        left, right = table.properties[node.path[0]], table.properties[node.other[0]]
        compared = conditions.compare(node.operator)
        if left.family != right.family:
            raise bad_request(
                "A binary operator with incompatible types was detected. "
                f"Found operand types '{left.type}' and '{right.type}' for operator kind '{node.operator}'."
            )
        return lambda row: compared(row.get(left.name), row.get(right.name))

    def _function(self, node: Function, table: Table) -> Predicate:
        operator = _TEXT_OPERATORS.get(node.name) or _FUNCTIONS.get(node.name) or _kebab(node.name)

        def build(column: Column) -> conditions.Test:
            if node.name in _TEXT_OPERATORS and not column.type.is_text:
                raise bad_request(f"'{node.name}' needs text; '{column.name}' is of type {column.type}.")
            return conditions.test(operator, column, node.operands, self._context)

        path = node.path if node.name in _TEXT_OPERATORS else self._by_logical_name(node.path, table)
        return self._on_path(path, table, build)

    def _by_logical_name(self, path: tuple[str, ...], table: Table) -> tuple[str, ...]:
        """Dataverse's own functions accept a lookup as `parentcustomerid` only, not as `_parentcustomerid_value`."""
        *way, last = path
        owner = self._walk(way, table)
        if last not in owner.columns:
            text = f"'{owner.name}' entity doesn't contain attribute with Name = '{last}' and NameMapping = 'Logical'."
            raise unknown_property(last, owner, code="0x80041103", message=text)
        return (*path[:-1], owner.columns[last].property_name)

    def _on_path(self, path: tuple[str, ...], table: Table, build: Callable[[Column], conditions.Test]) -> Predicate:
        *way, last = path
        owner = self._walk(way, table)
        column = owner.properties.get(last)
        if column is None:
            raise unknown_property(last, owner)
        passes, name = build(column), column.name
        if not way:
            return lambda row: passes(row.get(name))
        start = self._stepper(way, table)

        def follow(row: Row) -> bool:
            near = start(row)
            return passes(near.get(name) if near is not None else None)

        return follow

    def _walk(self, way: Sequence[str], table: Table) -> Table:
        for name in way:
            navigation = table.navigations.get(name)
            if not isinstance(navigation, ToOne):
                raise unknown_navigation(name, table)
            table = self._entered(navigation)
        return table

    def _entered(self, navigation: Navigation) -> Table:
        """Return the target table of a navigation property; WebApiError 403 if it may not be read."""
        self._context.rights.require(Access.READ, navigation.target)
        return self._store.schema.tables[navigation.target]

    def _stepper(self, way: Sequence[str], table: Table) -> Callable[[Row], Row | None]:
        steps: list[tuple[ToOne, Table]] = []
        for name in way:
            navigation = table.navigations[name]
            if isinstance(navigation, ToOne):
                steps.append((navigation, table))
            table = self._store.schema.tables[navigation.target]

        def step(row: Row) -> Row | None:
            current: Row | None = row
            for navigation, owner in steps:
                if current is None:
                    return None
                current = next(iter(related_rows(self._store, navigation, current, owner)), None)
            return current

        return step


def _check_kind(column: Column, literal: Literal) -> None:
    if literal.kind is LiteralKind.ENUM:
        raise not_implemented(f"The enum literal '{literal.value}' outside of metadata")
    allowed = _KINDS.get(column.type, frozenset({LiteralKind.NUMBER}))
    if literal.kind is not LiteralKind.NULL and literal.kind not in allowed:
        expected = min(allowed)
        raise bad_request(
            "A binary operator with incompatible types was detected. "
            f"Found operand types '{expected}' and '{literal.kind}' for operator kind 'Equal'."
        )


def _primary_ids(node: Node, table: Table) -> frozenset[str] | None:
    match node:
        case Comparison((name,), "eq", Literal(LiteralKind.GUID, value)) if name == table.primary_id:
            return frozenset({value})
        case Function("In", (name,), operands) if name == table.primary_id:
            return frozenset(str(operand).lower() for operand in operands)
        case Or(parts):
            found = [_primary_ids(part, table) for part in parts]
            known = [ids for ids in found if ids is not None]
            return frozenset().union(*known) if len(known) == len(found) else None
        case And(parts):
            return next((ids for ids in (_primary_ids(part, table) for part in parts) if ids is not None), None)
        case _:
            return None


def _kebab(name: str) -> str:
    kebab = _HUMP.sub("-", name).lower().replace("older-than", "olderthan")
    equal = _EQUAL.fullmatch(kebab)  # of users and business units: EqualUserOrUserTeams, eq-useroruserteams
    return f"{'ne' if equal[1] else 'eq'}-{equal[2].replace('-', '')}" if equal else kebab
