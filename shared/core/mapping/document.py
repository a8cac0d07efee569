"""The mapping as administrators write it: a YAML document, checked on the way in."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from shared.core.mapping.expression import Column, Expression, MapTo, parse_expression
from shared.core.mapping.model import EMAIL, Direction, Mapping, MappingRow, OnInvalid
from shared.core.records import PersonTable


class MappingError(ValueError):
    """The document is no valid mapping; the text lists every place and what is wrong there."""


def _expression(value: object) -> object:
    return parse_expression(value) if isinstance(value, str) else value


Source = Annotated[Expression | None, BeforeValidator(_expression)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    spotler: str = Field(min_length=1)
    contact: Source = None
    lead: Source = None
    account: Source = None
    direction: Direction = Direction.TO_SPOTLER
    only: str | None = Field(default=None, alias="filter")
    choices: dict[str | int, str] = {}
    foreign: str = ""
    invalid: OnInvalid | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not (self.contact or self.lead or self.account):
            raise ValueError("a row needs a contact, lead or account column")
        return self

    @model_validator(mode="after")
    def _identifies_people(self) -> Self:
        """Records are found by their address, so it must be one of their own columns and reach Spotler."""
        if self.spotler == EMAIL:
            if not all(isinstance(source, Column) for source in self._sources().values()):
                raise ValueError(f"{EMAIL} must be filled by a column of the record itself")
            if not self.direction.reaches_spotler:
                raise ValueError(f"{EMAIL} must reach Spotler: direction -> or <->")
        return self

    @model_validator(mode="after")
    def _filters_by_value(self) -> Self:
        if self.only is not None and any(isinstance(source, MapTo) for source in self._sources().values()):
            raise ValueError("a filter needs one value to look at, not a table of permissions")
        return self

    def _sources(self) -> dict[PersonTable, Expression]:
        sources = zip(PersonTable, (self.contact, self.lead, self.account), strict=True)
        return {table: source for table, source in sources if source is not None}

    def to_row(self) -> MappingRow:
        return MappingRow(
            spotler=self.spotler,
            sources=self._sources(),
            direction=self.direction,
            only=self.only,
            choices={str(value): text for value, text in self.choices.items()},
            foreign=self.foreign,
            on_invalid=self.invalid,
        )


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1, le=1)
    rows: list[_Row]

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        for table in PersonTable:
            targets = [row.spotler for row in self.rows if getattr(row, table) is not None]
            if twice := sorted({target for target in targets if targets.count(target) > 1}):
                raise ValueError(f"{table}: several rows fill {', '.join(twice)}; one must go")
            if targets and EMAIL not in targets:
                raise ValueError(f"{table}: a row for {EMAIL} is missing; without it nobody can be mailed")
            if twice := sorted({row.foreign for row in self.rows if row.foreign in targets}):
                raise ValueError(f"{table}: {', '.join(twice)} takes foreign values and is filled by a row of its own")
        return self


def read_mapping(document: Any) -> Mapping:
    """Turn a parsed YAML document into a mapping; MappingError lists all that is wrong with it."""
    try:
        checked = _Document.model_validate(document)
    except ValidationError as problem:
        places = (
            f"{'.'.join(str(part) for part in error['loc']) or 'mapping'}: {error['msg']}" for error in problem.errors()
        )
        raise MappingError("; ".join(places)) from None
    return Mapping(tuple(row.to_row() for row in checked.rows))
