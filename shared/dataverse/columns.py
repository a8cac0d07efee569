"""One column as the Web API selects it, and how its value is read from a row of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from shared.core.mapping.expression import Source
from shared.core.records import Choices, Lookup
from shared.core.schema import ColumnDefinition, ColumnType, DateBehaviour, Option
from shared.dataverse.operations import Annotation, Row

ANNOTATIONS = (Annotation.LABEL, Annotation.LOOKUP_TABLE)
"""What every read of columns must ask for."""


@dataclass(frozen=True)
class ColumnReader:
    """Reads a column. Labels of options are those of `language` where the column has it, else the user's own."""

    definition: ColumnDefinition
    language: int | None = None

    @cached_property
    def selected(self) -> str:
        """The name under which the column is selected: lookups as `_x_value`."""
        name = self.definition.name
        return f"_{name}_value" if self.definition.type.is_lookup else name

    def value(self, row: Row) -> Any:
        """Read the value as `PersonRecord.values` has it."""
        raw = row.get(self.selected)
        if raw is None:
            return None
        match self.definition.type:
            case kind if kind.is_lookup:
                return Lookup(row.get(f"{self.selected}@{Annotation.LOOKUP_TABLE}", ""), UUID(raw))
            case ColumnType.MULTI_SELECT:
                return self._choices(raw)
            case ColumnType.DATE_TIME if self.definition.behaviour is DateBehaviour.TIME_ZONE_INDEPENDENT:
                return raw.removesuffix("Z")  # it says Z and means: the same in every time zone
            case _:
                return raw

    def label(self, row: Row) -> str | None:
        """Read the text that people see, where it says more than the value."""
        if not self.definition.type.has_label or (raw := row.get(self.selected)) is None:
            return None
        option = None if isinstance(raw, str) else self._options.get(int(raw))
        if option is not None and self.language is not None and self.language in option.labels:
            return option.labels[self.language]
        label: str | None = row.get(f"{self.selected}@{Annotation.LABEL}")
        return label

    def take(self, source: Source, row: Row, values: dict[str, Any], labels: dict[str, str]) -> None:
        """Put what a row says under the printed form of its source; a row that is not there says None."""
        name = str(source)
        values[name] = self.value(row)
        if (label := self.label(row)) is not None:
            labels[name] = label

    def _choices(self, raw: str) -> Choices:
        values = tuple(int(value) for value in raw.split(","))
        return Choices(values, tuple(self._text_of(value) for value in values))

    def _text_of(self, value: int) -> str:
        option = self._options.get(value)
        if option is None:
            return str(value)
        return option.labels.get(self.language, option.label) if self.language else option.label

    @cached_property
    def _options(self) -> dict[int, Option]:
        return {option.value: option for option in self.definition.options}
