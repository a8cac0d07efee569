"""What a solution holds: its tables with their columns, and the rows of its components, as they are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from shared.local.dataverse_sandbox.administration.solutions import TABLE, TYPES
from shared.local.dataverse_sandbox.metadata.definitions import Definitions
from shared.local.dataverse_sandbox.metadata.schema import Definition
from shared.local.dataverse_sandbox.organisation.organization import Organization
from shared.local.dataverse_sandbox.rows.publication import View, all_seen, seen
from shared.local.dataverse_sandbox.rows.store import Row

WHOLE = 0
"""The behaviour of a table that is in a solution with everything that it has."""
TABLE_OF_ROW: Mapping[str, str] = {
    "systemform": "objecttypecode",
    "savedquery": "returnedtypecode",
    "savedqueryvisualization": "primaryentitytypecode",
}
"""The column that names the table which a form, view or chart belongs to."""


@dataclass(frozen=True, eq=False)
class Contents:
    """The contents of one solution of an organisation; `solution` is its row."""

    organization: Organization
    solution: Row

    @property
    def base_language(self) -> int:
        """The base language of the organisation, by its code."""
        return self.organization.languages[0]

    @cached_property
    def tables(self) -> list[tuple[Definition, int]]:
        """The definitions of the tables, with their behaviour: `WHOLE`, or 1 without components of their own."""
        behaviors = {
            one["objectid"]: one["rootcomponentbehavior"] for one in self._components if one["componenttype"] == TABLE
        }
        return [(one, behaviors[one["MetadataId"]]) for one in self._definitions if one["MetadataId"] in behaviors]

    def columns(self, table: Definition, behavior: int) -> list[Definition]:
        """Return the columns of a table that are in the solution."""
        return [one for one in table["Attributes"] if behavior == WHOLE or one["MetadataId"] in self._ids]

    @cached_property
    def relationships(self) -> list[Definition]:
        """The relationships whose lookup is in the solution."""
        columns = {
            (t["LogicalName"], c["LogicalName"]) for t, behavior in self.tables for c in self.columns(t, behavior)
        }
        return [
            one
            for table in self._definitions
            for one in table["ManyToOneRelationships"]
            if one["IsCustomRelationship"] and (one["ReferencingEntity"], one["ReferencingAttribute"]) in columns
        ]

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the published rows of a table that are in the solution, also as parts of a whole table."""
        store, whole = self.organization.store, {t["LogicalName"] for t, behavior in self.tables if behavior == WHOLE}
        key = self.organization.schema.tables[table].primary_id
        for row in all_seen(View.PUBLISHED, table, store.rows(table).values()):
            if row[key] in self._ids or row.get(TABLE_OF_ROW.get(table, "")) in whole:
                yield row

    def is_published(self, table: str, identifier: str) -> bool:
        """Return whether a row was published."""
        row = self.organization.store.get(table, identifier)
        return row is not None and seen(View.PUBLISHED, table, row) is not None

    def roots(self) -> Iterator[tuple[int, str]]:
        """Yield type and id of the components that are no part of a table, in the order of their types."""
        parts = {TYPES[table] for table in TABLE_OF_ROW}
        for one in sorted(self._components, key=lambda one: (one["componenttype"], one["objectid"])):
            if one["componenttype"] in TYPES.values() and one["componenttype"] not in parts:
                yield one["componenttype"], one["objectid"]

    @cached_property
    def _components(self) -> list[Row]:
        store = self.organization.store
        return list(store.related(self.solution["solutionid"], "solutioncomponent", "solutionid"))

    @cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(one["objectid"] for one in self._components)

    @cached_property
    def _definitions(self) -> list[Definition]:
        return Definitions(self.organization.schema).tables
