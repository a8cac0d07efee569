"""Request bodies that describe rows: columns, `@odata.bind` references, rows nested for a deep insert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.local.sandbox.dataverse import resource_path
from shared.local.sandbox.dataverse.errors import WebApiError, bad_request, undeclared_property
from shared.local.sandbox.dataverse.schema import ColumnType, Navigation, Table, ToOne
from shared.local.sandbox.dataverse.store import RowRef, Store
from shared.local.sandbox.dataverse.values import parse

_BIND = "@odata.bind"


@dataclass(frozen=True, slots=True)
class Payload:
    """What a body asks for. `values` are stored forms by column name, None clears; `nested` are rows to create."""

    values: dict[str, Any] = field(default_factory=dict)
    nested: list[tuple[Navigation, Any]] = field(default_factory=list)
    links: list[tuple[Navigation, Sequence[RowRef]]] = field(default_factory=list)


def read(store: Store, table: Table, body: Mapping[str, Any], references: Mapping[str, RowRef]) -> Payload:
    """Check a body against the table; `references` are the rows that `$1`, `$2` … of a change set stand for.

    Columns that nobody may write are ignored, as in Dataverse. WebApiError 400 for unknown names and wrong values.
    """
    payload = Payload()
    for name, value in body.items():
        column = table.properties.get(name)
        if column is not None:
            if column.type is ColumnType.LOOKUP and value is not None:
                raise bad_request(
                    "CRM do not support direct update of Entity Reference properties, "
                    "Use Navigation properties instead."
                )
            if not column.readonly and column.type is not ColumnType.LOOKUP:
                payload.values[name] = parse(column, value, table.name)
        elif name.endswith(_BIND):
            _bind(payload, store, table, name.removesuffix(_BIND), value, references)
        elif "@" not in name:
            navigation = table.navigations.get(name)
            if navigation is None:
                raise undeclared_property(name, table.name)
            payload.nested.append((navigation, value))
    return payload


def target(store: Store, reference: Any, references: Mapping[str, RowRef]) -> RowRef:
    """Find the row behind `/contacts(…)`, a URL, a key form or `$1`; WebApiError if there is none."""
    if not isinstance(reference, str):
        raise bad_request("A reference to a row must be a string.")
    if reference.lstrip("/").startswith("$"):
        name = reference.lstrip("/")
        if name not in references:
            raise WebApiError(
                400, "0x80060888", f"Content-ID Reference: '{name}' does not exist in the batch context."
            )
        return references[name]
    return resource_path.existing_row(store, store.schema, reference)


def _bind(
    payload: Payload, store: Store, table: Table, name: str, value: Any, references: Mapping[str, RowRef]
) -> None:
    navigation = table.navigations.get(name)
    if navigation is None:
        raise undeclared_property(name, table.name)
    if not isinstance(navigation, ToOne):
        bound = [target(store, one, references) for one in value or ()]
        payload.links.append((navigation, bound))
        return
    if value is None:
        payload.values[navigation.column] = None
        return
    row = target(store, value, references)
    targets = table.columns[navigation.column].targets
    # Owners are bound through one navigation property whatever their table.
    if targets.get(row.table) != navigation.name:
        raise bad_request(f"The navigation property '{name}' cannot refer to a row of '{row.table}'.", "0x80048d19")
    payload.values[navigation.column] = row
