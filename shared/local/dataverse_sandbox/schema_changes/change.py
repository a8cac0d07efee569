"""One change of the schema: what it needs to know, and the checks that every body gets.

Source: Microsoft's pages "Create and update table definitions using the Web API" and "Use optional parameters".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.local.dataverse_sandbox.metadata import labels
from shared.local.dataverse_sandbox.metadata.schema import Column, Definition, Schema, Table
from shared.local.dataverse_sandbox.organisation.errors import WebApiError, bad_request, not_implemented, unknown_table
from shared.local.dataverse_sandbox.organisation.organization import Organization

TYPE_PREFIX = "Microsoft.Dynamics.CRM."
LABELS = ("DisplayName", "DisplayCollectionName", "Description")
_NUMBERS_OF_PUBLISHER = 10_000
_DEFAULT_PREFIX = ("new", 10_000)

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """The organisation, whether labels of other languages stay, and the solution that gets the component."""

    organization: Organization
    keeps_labels: bool = False
    solution: str = ""

    @property
    def schema(self) -> Schema:
        """The current schema."""
        return self.organization.schema

    def alter(self, *tables: Table) -> None:
        """Add tables, or put them in the place of those with the same name."""
        self.organization.store.alter(self.schema.with_tables(*tables))

    def table(self, name: Any) -> Table:
        """Return a table by its logical name; WebApiError 404 without it."""
        table = self.schema.tables.get(str(name).lower())
        if table is None:
            message = f"Could not find an entity with name {name}."
            raise unknown_table(str(name), message, is_absent=name in self.schema.removed, status=404)
        return table

    def column(self, table: Table, name: Any) -> Column:
        """Return a column by its logical name; WebApiError 404 without it."""
        column = table.columns.get(str(name).lower())
        if column is None:
            raise WebApiError(404, "0x80060888", f"Could not find an attribute with name {name} in {table.name}.")
        return column

    def texts(self, body: Body, name: str, *, is_required: bool = False) -> dict[int, str]:
        """Read a label; WebApiError 400 if it lacks the base language."""
        found = labels.texts(body.get(name), self.organization.languages)
        if (is_required or found) and self.schema.language not in found:
            raise bad_request(
                f"The label '{name}' has no text in the base language {self.schema.language} of the organisation.",
                "0x80044183",
            )
        return found

    def label(self, body: Body, name: str, former: Mapping[str, Any] | None = None) -> Definition:
        """Read a label as a definition; texts of languages that it lacks stay if the request merges labels."""
        new = self.texts(body, name)
        old = labels.texts((former or {}).get(name))
        return labels.from_texts(labels.merged(old, new, keeps_others=self.keeps_labels), self.schema.language)

    def check_name(self, body: Body, taken: Iterable[str] = ()) -> str:
        """Return a new schema name; WebApiError 400 without the prefix of a publisher, or if it is taken."""
        name = schema_name(body)
        prefix = name.partition("_")[0]
        if "_" not in name or prefix not in dict(self._prefixes()):
            raise bad_request(
                f"The name '{name}' does not begin with the customization prefix of a publisher: "
                f"{', '.join(sorted(dict(self._prefixes())))}.",
                "0x8004431a",
            )
        if name.lower() in {one.lower() for one in taken}:
            raise bad_request(f"An object with the name {name} already exists.", "0x80044363")
        return name

    def first_option(self, name: str) -> int:
        """Return the first number of options that get their number from the publisher of a name."""
        return dict(self._prefixes()).get(name.partition("_")[0], _DEFAULT_PREFIX[1]) * _NUMBERS_OF_PUBLISHER

    def _prefixes(self) -> list[tuple[str, int]]:
        rows = self.organization.store.rows("publisher").values()
        known = [(row.get("customizationprefix", ""), row.get("customizationoptionvalueprefix", 0)) for row in rows]
        return [_DEFAULT_PREFIX, *known]


def schema_name(body: Body) -> str:
    """Return the name of a new component; WebApiError 400 without one. Relationships need no prefix of a publisher."""
    name = body.get("SchemaName") or body.get("Name")
    if not isinstance(name, str) or not name.replace("_", "").isalnum():
        raise bad_request("A SchemaName of letters, digits and underscores is required.", "0x80044310")
    return name


def check_order(value: Any, place: str = "the body") -> None:
    """WebApiError 400 if `@odata.type` is not the first member of an object: Dataverse then misreads the object."""
    if isinstance(value, Mapping):
        names = [name for name in value if not name.startswith("@") or name == "@odata.type"]
        if "@odata.type" in names and names[0] != "@odata.type":
            raise bad_request(
                f"The annotation '@odata.type' of {place} must be the first property of its object.", "0x80040216"
            )
        for name, one in value.items():
            check_order(one, f"'{name}'")
    elif isinstance(value, list):
        for one in value:
            check_order(one, place)


def kind(body: Body) -> str:
    """Return the type of a body without prefix, `StringAttributeMetadata`; complex types count as their plain ones."""
    name = str(body.get("@odata.type", "")).lstrip("#").removeprefix(TYPE_PREFIX)
    return name.removeprefix("Complex")


def refuse_others(body: Body, known: Iterable[str], what: str) -> None:
    """WebApiError 501 for a property that is not simulated."""
    for name in body:
        if name not in known and not name.startswith("@odata.") and "@" not in name:
            raise not_implemented(f"The property '{name}' of {what}")
