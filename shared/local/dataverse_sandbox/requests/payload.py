"""Request bodies that describe rows: columns, `@odata.bind` references, rows nested for a deep insert."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import Navigation, Table, ToOne
from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented, undeclared_property
from shared.local.dataverse_sandbox.requests import resource_path
from shared.local.dataverse_sandbox.rows.store import RowRef, Store
from shared.local.dataverse_sandbox.rows.values import parse

_BIND = "@odata.bind"
# Annotations without new information: those copied from an answer, and the type that the name implies.
_ECHOED = re.compile(
    r"@odata\.(etag|context|editLink|readLink|id)|[^@]+@(odata\.(type|navigationLink|associationLink|count|nextLink)"
    r"|OData\.Community\.Display\.V1\..+|Microsoft\.Dynamics\.CRM\..+)"
)
_TYPE_PREFIX = "Microsoft.Dynamics.CRM."


@dataclass(frozen=True, slots=True)
class Payload:
    """The content of a body. `values` are stored forms by column name, None clears; `nested` are rows to create."""

    values: dict[str, Any] = field(default_factory=dict)
    nested: list[tuple[Navigation, Any]] = field(default_factory=list)
    links: list[tuple[Navigation, Sequence[RowRef]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class References:
    """Finds rows by the references in bodies. `named` are the rows behind `$1`, `$2` … of a change set."""

    store: Store
    named: Mapping[str, RowRef] = field(default_factory=dict)

    def target(self, reference: Any) -> RowRef:
        """Find the row behind `/contacts(…)`, a URL, a key form or `$1`; WebApiError if there is none."""
        if not isinstance(reference, str):
            raise bad_request("A reference to a row must be a string.")
        name = reference.lstrip("/")
        if not name.startswith("$"):
            return resource_path.existing_row(self.store, self.store.schema, reference)
        if name not in self.named:
            raise bad_request(f"Content-ID Reference: '{name}' does not exist in the batch context.")
        return self.named[name]


def read(references: References, table: Table, body: Mapping[str, Any]) -> Payload:
    """Check a body against the table.

    Read-only columns are ignored, as in Dataverse. WebApiError 400 for unknown names and wrong values.
    """
    payload = Payload()
    for name, value in body.items():
        column = table.properties.get(name)
        if column is not None:
            if not column.readonly:
                payload.values[column.name] = parse(column, value, table.name)
        elif name.endswith(_BIND):
            _bind(payload, references, table, name.removesuffix(_BIND), value)
        elif name == "@odata.type":
            _check_type(table, value)
        elif "@" not in name:
            navigation = table.navigations.get(name)
            if navigation is None:
                raise undeclared_property(name, table, is_relationship=isinstance(value, Mapping | list))
            payload.nested.append((navigation, value))
        elif not _ECHOED.fullmatch(name):
            raise not_implemented(f"The annotation '{name}' in a body")
    return payload


def _check_type(table: Table, name: Any) -> None:
    """Check `@odata.type`: a body may name the type of its table, the target of a lookup is known from the property."""
    if str(name).lstrip("#") != f"{_TYPE_PREFIX}{table.name}":
        raise not_implemented(f"A row of the type '{name}' in a body for the table '{table.name}'")


def _bind(payload: Payload, references: References, table: Table, name: str, value: Any) -> None:
    navigation = table.navigations.get(name)
    if navigation is None:
        raise undeclared_property(name, table, is_relationship=True)
    if not isinstance(navigation, ToOne):
        payload.links.append((navigation, [references.target(one) for one in value or ()]))
        return
    if value is None:
        payload.values[navigation.column] = None
        return
    row = references.target(value)
    targets = table.columns[navigation.column].targets
    # Owners of all tables are bound through one navigation property.
    if targets.get(row.table) != navigation.name:
        raise bad_request(f"The navigation property '{name}' cannot refer to a row of '{row.table}'.", "0x80048d19")
    payload.values[navigation.column] = row
