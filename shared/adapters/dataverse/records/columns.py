"""Reads the value of one column from a row of the Web API."""

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
"""The annotations that every read of columns must request."""


@dataclass(frozen=True)
class ColumnReader:
    """Reads a column. Labels of options are those of `language` if the column has it, else of the connector's user.

    `zone` is the mapping's time zone: a column that shows days holds midnight in the time zone of its users.
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
            case ColumnKind.INDEPENDENT_TIME | ColumnKind.LOCAL_DATE:  # the former has a Z, and means every time zone
                return self._day(raw) if kind is ColumnKind.LOCAL_DATE else raw.removesuffix("Z")
            case _:
                return raw

    def label(self, row: Row) -> str | None:
        """Read the text that people see; None if the column has no label."""
        if not self.definition.type.has_label or (raw := row.get(self.selected)) is None:
            return None
        option = None if isinstance(raw, str) else self._options.get(int(raw))
        if option is not None and self.language is not None and self.language in option.labels:
            return option.labels[self.language]
        label: str | None = row.get(f"{self.selected}@{Annotation.LABEL}")
        if self.definition.type.is_choice and option is None and label == str(raw):
            return None  # for a deleted option Dataverse may show the number
        return label

    def take(self, source: Source, row: Row, values: dict[str, Any], labels: dict[str, str]) -> None:
        """Store value and label under the text of the source; an empty row stands for None."""
        name = str(source)
        if row.get(self.selected) is None:  # as most columns of most records
            values[name] = None
            return
        values[name] = self.value(row)
        if (label := self.label(row)) is not None:
            labels[name] = label

    def _choices(self, row: Row, raw: str) -> Choices:
        values = tuple(int(value) for value in raw.split(","))
        shown = str(row.get(f"{self.selected}@{Annotation.LABEL}") or "").split("; ")
        labels = shown if len(shown) == len(values) else [""] * len(values)
        return Choices(values, tuple(map(self._text_of, values, labels)))

    def _text_of(self, value: int, shown: str) -> str:
        """Return the label of an option: as Dataverse shows it if the metadata lack the option, "" if it is deleted."""
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
