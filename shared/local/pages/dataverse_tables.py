"""The tables that `python -m shared install` makes, as Markdown for `docs/tables.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from shared.installation.desired.reading import read_desired_state
from shared.installation.desired.state import (
    Column,
    ColumnType,
    DesiredState,
    Lookup,
    OnDelete,
    Option,
    OwnTable,
    StandardTable,
    StatusReason,
)

_PLAIN_TYPES = {ColumnType.WHOLE: "whole number", ColumnType.MOMENT: "date and time", ColumnType.YES_NO: "two options"}
_STATES = ("Active", "Inactive")
_CUSTOMER = {"account", "contact"}


def dataverse_tables() -> str:
    """Return the own tables, the additions to tables of Dynamics, the relationships, the keys and the variables."""
    desired = read_desired_state({})
    parts = [part for table in desired.tables for part in _own_table(table, desired.lookups)]
    parts += ["### Additions to tables of Dynamics", *_additions(desired)]
    parts += ["### Relationships", _relationships(desired.lookups)]
    parts += ["### Alternate keys", _keys(desired)]
    parts += ["### Environment variables", _variables(desired)]
    return "\n\n".join(parts)


def _own_table(table: OwnTable, lookups: Sequence[Lookup]) -> Iterator[str]:
    yield f"### {table.label.en} `{table.name}`, set `{table.name}s`"
    yield f"{table.description.en}. In Dutch: {table.label.nl}."
    yield _columns(table.columns, [one for one in lookups if one.table == table.name])
    if table.status_reasons:
        yield _status_reasons(table.status_reasons)


def _additions(desired: DesiredState) -> Iterator[str]:
    names = dict.fromkeys([*(one.name for one in desired.standard_tables), *(one.table for one in desired.lookups)])
    own, standard = {one.name for one in desired.tables}, {one.name: one for one in desired.standard_tables}
    for name in (name for name in names if name not in own):
        table = standard.get(name, StandardTable(name, ()))
        yield f"`{name}`{', with Dynamics 365 Sales' if table.needs_sales else ''}:"
        yield _columns(table.columns, [one for one in desired.lookups if one.table == name])


def _columns(columns: Iterable[Column], lookups: Iterable[Lookup]) -> str:
    rows = [(one.schema_name, _type(one), one.label.en, one.label.nl) for one in columns]
    rows += [(one.schema_name, _targets(one), one.label.en, one.label.nl) for one in lookups]
    return _table(("column", "type", "label", "Dutch label"), [(f"`{row[0].lower()}`", *row[1:]) for row in rows])


def _type(column: Column) -> str:
    required = ", required" if column.required else ""
    match column.type:
        case ColumnType.TEXT:
            return f"text ({column.length}){required}"
        case ColumnType.MEMO:
            return f"text of several lines ({column.length}){required}"
        case ColumnType.DECIMAL:
            return f"decimal ({column.minimum} to {column.maximum}, {column.precision} decimals){required}"
        case ColumnType.CHOICE:
            return f"choice{required}: {_options(column.options)}"
        case ColumnType.WHOLE | ColumnType.MOMENT | ColumnType.YES_NO as plain:
            return f"{_PLAIN_TYPES[plain]}{required}"


def _options(options: Iterable[Option | StatusReason]) -> str:
    return ", ".join(f"{one.value} {one.label.en}" for one in options)


def _targets(lookup: Lookup) -> str:
    tables = [target.table for target in lookup.targets]
    kind = "customer" if set(tables) == _CUSTOMER else "lookup"
    return f"{kind}: {' or '.join(tables)}{', with Sales' if lookup.needs_sales else ''}"


def _status_reasons(reasons: Sequence[StatusReason]) -> str:
    rows = []
    for state, word in enumerate(_STATES):
        own = [one for one in reasons if one.state == state]
        rows.append((f"{state} {word}", _options(own)))
    return _table(("state", "status reasons; the first one is the default"), rows)


def _relationships(lookups: Iterable[Lookup]) -> str:
    rows = [
        (
            f"`{target.relationship}`",
            f"`{target.table}`",
            f"`{one.table}`",
            f"`{one.schema_name}_{target.table}`" if len(one.targets) > 1 else f"`{one.schema_name}`",
            "deletes them" if target.on_delete is OnDelete.CASCADE else "empties the lookup",
        )
        for one in lookups
        for target in one.targets
    ]
    return _table(("relationship", "from one", "to many", "lookup (navigation on write)", "deletion of the one"), rows)


def _keys(desired: DesiredState) -> str:
    rows = [
        (f"`{one.logical}`", f"`{one.table}`", ", ".join(f"`{column}`" for column in one.columns), one.label.en)
        for one in desired.keys
    ]
    return _table(("key", "table", "columns", "label"), rows)


def _variables(desired: DesiredState) -> str:
    rows = [(f"`{one.name}`", one.label.en, one.label.nl, one.description.en) for one in desired.variables]
    return _table(("variable, of type text", "label", "Dutch label", "meaning"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])
