"""Builds the body of a row: Spotler values become columns, names of other rows become lookups.

A value that does not fit its column is left out and becomes a `FieldProblem`; the other columns are written.
"""

from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, assert_never

from shared.adapters.dataverse.records.name_search import NamePlace, NameSearch, NamesFound, place_in
from shared.adapters.dataverse.web_api import odata
from shared.domain.features.subscriber_import import LAST_NAME
from shared.domain.mapping.conversions import ColumnKind, kind_of
from shared.domain.mapping.language.expression import Column, Expression
from shared.domain.mapping.model import Direction, MappingRow
from shared.domain.mapping.reverse_conversions import NeedsMatch, Stored, returned
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyType, PropertyValue
from shared.domain.records.outcomes import FieldProblem, Side
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, Required, Schema, TableDefinition
from shared.domain.values.texts import cut
from shared.domain.values.values import Misfit
from shared.domain.wording.expectations import Expectation, LossText
from shared.domain.wording.phrase import Phrase

BIND = "@odata.bind"

_OWNER = "ownerid"
_FREE = frozenset({PropertyType.STRING, PropertyType.UNKNOWN})
_TEXTS = frozenset({ColumnKind.TEXT, ColumnKind.MEMO})
_INSISTING = frozenset({Required.APPLICATION, Required.SYSTEM})
"""Levels at which a column is never emptied. Dataverse refuses that only at SYSTEM, its forms at both (CS-24)."""


@dataclass(slots=True)
class _Pointer:
    """A lookup whose row must be found. `places` are the tables to search, each with its navigation property."""

    name: str
    column: ColumnDefinition | None
    problem: FieldProblem
    places: list[tuple[NamePlace, str]]


@dataclass(slots=True)
class RowBuilder:
    """The columns of one row: `put` values, `want` names, `settle` them. Then `body` is complete.

    `columns` are the logical names of the written columns, `problems` what was left out. `restated` are the Spotler
    properties whose free text Dataverse shows in another form: "ja" as Yes, a name as the row has it.
    """

    table: TableDefinition
    zone: tzinfo
    body: dict[str, Any] = field(default_factory=dict, repr=False)
    problems: list[FieldProblem] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    restated: set[str] = field(default_factory=set)
    _pointers: list[_Pointer] = field(default_factory=list, repr=False)

    def put(
        self, source: Expression | None, row: MappingRow, definition: PropertyDefinition, value: PropertyValue
    ) -> None:
        """Set a column to a value of Spotler; None and "" empty it."""
        if not isinstance(source, Column):
            self._refuse(definition.name, str(source), Expectation.OWN_COLUMN())
            return
        column = self.table.columns.get(source.name)
        if column is None:
            self._refuse(definition.name, source.name, Expectation.EXISTING_COLUMN())
        elif not column.writable:
            expected = Expectation.NOTHING(reason=Expectation.UNCHANGEABLE())
            self._refuse(definition.name, column.name, expected)
        else:
            self._convert(column, row, definition, value)

    def put_needed(
        self, source: Expression | None, row: MappingRow, definition: PropertyDefinition, value: PropertyValue
    ) -> None:
        """Set a column of a new row to a value of Spotler; a text that is too long for a required column is cut."""
        column = self.table.columns.get(source.name) if isinstance(source, Column) else None
        if column is not None and isinstance(value, str) and (limit := self._limit_of_needed(column, definition)):
            text = value.strip()
            shorter = cut(text, limit)
            if shorter and shorter != text:
                loss = LossText.CUT(most=limit)
                self.problems.append(FieldProblem(definition.name, column.name, loss=loss, side=Side.DATAVERSE))
                value = shorter
        self.put(source, row, definition, value)

    def point_at(self, navigation: str, place: NamePlace, name: str, problem: FieldProblem) -> None:
        """Bind a navigation property to the only row with that name in `place`."""
        self._pointers.append(_Pointer(name, None, problem, [(place, navigation)]))

    @property
    def targets(self) -> set[str]:
        """Return the tables whose definitions are needed to search for names."""
        lookups = [pointer.column.name for pointer in self._pointers if pointer.column]
        return {table for lookup in lookups for table in self.table.targets(lookup)}

    def want(self, search: NameSearch, schema: Schema) -> None:
        """Add the names to a search; `schema` has the `targets`."""
        for pointer in self._pointers:
            if pointer.column is not None:
                pointer.places = list(self._places(pointer.column, schema))
            for place, _ in pointer.places:
                search.want(place, pointer.name)

    def settle(self, names: NamesFound) -> None:
        """Bind the rows that were found; a name without exactly one row is left out."""
        for pointer in self._pointers:
            found = [
                (navigation, odata.row(place.entity_set, identifier))
                for place, navigation in pointer.places
                for identifier in names.called(place, pointer.name)
            ]
            if len(found) != 1:
                self.problems.append(pointer.problem)
                continue
            ((navigation, path),) = found
            self.body[f"{navigation}{BIND}"] = f"/{path}"
            if pointer.column is not None:
                self.columns.add(pointer.column.name)

    def _convert(
        self, column: ColumnDefinition, row: MappingRow, definition: PropertyDefinition, value: PropertyValue
    ) -> None:
        if row.direction is Direction.BOTH and definition.type in _FREE and kind_of(column) not in _TEXTS:
            self.restated.add(definition.name)
        match returned(value, definition, column, zone=self.zone, choices=row.choices):
            case Stored(None) if column.required in _INSISTING or column.type is ColumnType.OWNER:
                self._refuse(definition.name, column.name, Expectation.A_VALUE())
            case Stored(stored):
                self.columns.add(column.name)
                self.body[self._member(column)] = stored
            case NeedsMatch(name):
                problem = FieldProblem(definition.name, column.name, Expectation.ONE_ROW(), side=Side.DATAVERSE)
                self._pointers.append(_Pointer(name, column, problem, []))
            case Misfit(expected):
                self._refuse(definition.name, column.name, expected)
            case other:
                assert_never(other)

    @staticmethod
    def _limit_of_needed(column: ColumnDefinition, definition: PropertyDefinition) -> int | None:
        """Return the limit of a required column for free text; an e-mail address is never cut."""
        is_needed = column.name == LAST_NAME or column.required in _INSISTING
        is_free = definition.type in _FREE and kind_of(column) in _TEXTS
        return column.max_length if is_needed and is_free else None

    def _member(self, column: ColumnDefinition) -> str:
        """Return the member of the body; a lookup is emptied here, which any of its navigation properties does."""
        references = sorted(self.table.targets(column.name).values(), key=lambda one: one.target)
        return f"{references[0].navigation}{BIND}" if references else column.name

    def _places(self, column: ColumnDefinition, schema: Schema) -> list[tuple[NamePlace, str]]:
        return [
            (place_in(schema.tables[table]), _OWNER if column.type is ColumnType.OWNER else reference.navigation)
            for table, reference in self.table.targets(column.name).items()
            if table in schema.tables and schema.tables[table].primary_name
        ]

    def _refuse(self, spotler: str, source: str, expected: Phrase) -> None:
        self.problems.append(FieldProblem(spotler, source, expected, side=Side.DATAVERSE))
