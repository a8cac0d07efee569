"""One column as the Web API selects it, and how its value is read from a row of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.web_api.operations import Annotation, Row
from shared.domain.mapping.conversions import ColumnKind, kind_of
from shared.domain.mapping.language.expression import Source
from shared.domain.records.records import Choices, Lookup, UnknownOption
from shared.domain.records.table_schema import ColumnDefinition, Option
from shared.domain.values.moments import day_of, moment_of

ANNOTATIONS = (Annotation.LABEL, Annotation.LOOKUP_TABLE)
"""What every read of columns must ask for."""


@dataclass(frozen=True)
class ColumnReader:
    """Reads a column. Labels of options are those of `language` where the column has it, else the user's own.

    `zone` is the mapping's time zone: a column that shows days holds a midnight of its users, who live there.
    """

    definition: ColumnDefinition
    language: int | None = None
    zone: tzinfo = UTC

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
        match kind := kind_of(self.definition):
            case ColumnKind.LOOKUP | ColumnKind.CUSTOMER | ColumnKind.OWNER:
                return Lookup(row.get(f"{self.selected}@{Annotation.LOOKUP_TABLE}", ""), UUID(raw))
            case ColumnKind.CHOICES:
                return self._choices(row, raw)
            case ColumnKind.CHOICE | ColumnKind.STATE | ColumnKind.STATUS if self.label(row) is None and self._options:
                return UnknownOption(raw)
            case ColumnKind.INDEPENDENT_TIME | ColumnKind.LOCAL_DATE:  # the one says Z and means: in every time zone
                return self._day(raw) if kind is ColumnKind.LOCAL_DATE else raw.removesuffix("Z")
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
        if self.definition.type.is_choice and option is None and label == str(raw):
            return None  # of an option that was deleted Dataverse may show the number
        return label

    def take(self, source: Source, row: Row, values: dict[str, Any], labels: dict[str, str]) -> None:
        """Put what a row says under the printed form of its source; a row that is not there says None."""
        name = str(source)
        values[name] = self.value(row)
        if (label := self.label(row)) is not None:
            labels[name] = label

    def _choices(self, row: Row, raw: str) -> Choices:
        values = tuple(int(value) for value in raw.split(","))
        shown = str(row.get(f"{self.selected}@{Annotation.LABEL}") or "").split("; ")
        beside = shown if len(shown) == len(values) else [""] * len(values)
        return Choices(values, tuple(map(self._text_of, values, beside)))

    def _text_of(self, value: int, shown: str) -> str:
        """Return the label of an option; one that the metadata do not have (yet) as Dataverse shows it, "" if gone."""
        option = self._options.get(value)
        if option is None:
            return "" if shown == str(value) else shown
        return option.labels.get(self.language, option.label) if self.language else option.label

    def _day(self, raw: str) -> str:
        moment = moment_of(raw)
        try:
            return day_of(moment, self.zone).isoformat() if isinstance(moment, datetime) else raw
        except OverflowError:
            return raw

    @cached_property
    def _options(self) -> dict[int, Option]:
        return {option.value: option for option in self.definition.options}
