"""A call of an action, and how its parameters name rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.organisation.errors import bad_request, row_missing
from shared.local.dataverse_sandbox.organisation.organization import Organization
from shared.local.dataverse_sandbox.requests.consumption import Parts
from shared.local.dataverse_sandbox.requests.resource_path import existing_row
from shared.local.dataverse_sandbox.rows.store import RowRef
from shared.local.dataverse_sandbox.rows.writes import Writer

TYPE_PREFIX = "Microsoft.Dynamics.CRM."


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of an action with its parameters, and the table or row that it is bound to."""

    organization: Organization
    writer: Writer
    table: Table | None
    row: RowRef | None
    arguments: Parts

    @property
    def bound_row(self) -> RowRef:
        """The row that the action is bound to; WebApiError 400 without one."""
        if self.row is None:
            raise bad_request("The action must be bound to a row.")
        return self.row

    def row_argument(self, name: str) -> RowRef:
        """Return the existing row that a parameter names, by its address or its key; WebApiError without one."""
        value = self.arguments.get(name)
        if not isinstance(value, Mapping):
            raise bad_request(f"The parameter '{name}' must be a row.", "0x80048d19")
        if isinstance(address := value.get("@odata.id"), str):
            return existing_row(self.writer.store, self.organization.schema, address)
        return self.described_row(value)

    def described_row(self, value: Mapping[str, Any]) -> RowRef:
        """Return the existing row that an entity with `@odata.type` describes; WebApiError if there is none."""
        name = str(value.get("@odata.type", "")).lstrip("#").removeprefix(TYPE_PREFIX)
        table = self.organization.schema.tables.get(name)
        if table is None:
            raise bad_request("A row in a parameter needs its '@odata.type'.", "0x80048d19")
        identifier = str(value.get(table.primary_id, "")).lower()
        if self.writer.store.get(name, identifier) is None:
            raise row_missing(name, identifier)
        return RowRef(name, identifier)


Action = Callable[[Invocation], dict[str, Any] | None]
