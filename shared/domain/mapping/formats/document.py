"""The mapping as administrators write it: a document of plain data, which is checked when it is read.

    version: 1
    language: 1043                      # of the labels of choices (optional)
    timeZone: Europe/Amsterdam          # where moments become dates (optional)
    filters: {contact: statuscode = 1}  # which records of a table may be in Spotler (optional)
    outside: keep                       # or clearPermissions, anonymize: for those who no longer pass
    entityTable: …                      # the table of the Entity Column (IF-05)
    periodiek: {table: …, name: …, subscribed: …, contact: …}   # what @map(periodiek) means (IF-03)
    rows:
      - {spotler: lastName, contact: lastname, lead: lastname, account: …, entity: …, direction: "->", filter: …,
         choices: {1: M}, foreign: …, invalid: omit, conflict: crm, blank: clear, comment: …}

Only `version`, `rows` and, of a row, `spotler` and one column are needed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from shared.domain.mapping.language.expression import Column, Expression, MapTo, OptionSource, Related
from shared.domain.mapping.language.filters import Filter, parse_filter
from shared.domain.mapping.language.parser import parse_expression
from shared.domain.mapping.model import (
    EMAIL,
    BlankPolicy,
    ConflictPolicy,
    Direction,
    Mapping,
    MappingRow,
    OnInvalid,
    Outside,
    Periodiek,
)
from shared.domain.mapping.spellings import arrow, bare, word
from shared.domain.records.records import PersonTable
from shared.domain.values.texts import trimmed
from shared.domain.wording.defects import DocumentDefect, SchemaDefect
from shared.domain.wording.phrase import Joined, Part, Phrase, PhraseError, series

VERSION = 1
MOST_ROWS = 1_000
"""Of a mapping; a platform account has a few hundred properties at most."""

MOST_PROBLEMS = 100
"""The most problems in one error."""

_VALUE_ERROR = "Value error, "  # the prefix of pydantic for the errors of validators
_QUOTED = re.compile("'[^']*'")


Place = tuple[str | int, ...]
"""Where something stands in a document, such as `("rows", 3, "contact")`; empty for the whole."""


class MappingError(PhraseError):
    """The document is no valid mapping; the phrase lists all problems with their places, `places` has each of them."""

    def __init__(self, places: Sequence[tuple[Place, Phrase]]) -> None:
        """Of very many `places` the first ones count."""
        if (more := len(places) - MOST_PROBLEMS) > 0:
            places = [*places[:MOST_PROBLEMS], ((), DocumentDefect.MORE(count=more))]
        self.places = tuple(places)
        super().__init__(series(*self.defects()))

    def defects(self, most: int | None = None) -> list[Phrase]:
        """Return the first problems, each with its place."""
        return [DocumentDefect.AT(place=place_name(place), text=text) for place, text in self.places[:most]]


def place_name(place: Place) -> Phrase:
    """Name a place for people, as in the check's findings: the first row is row 1."""
    match place:
        case ():
            return DocumentDefect.WHOLE()
        case ("rows", int(index)):
            return DocumentDefect.ROW(number=str(index + 1))
        case ("rows", int(index), *parts):
            return DocumentDefect.PART_OF_ROW(number=str(index + 1), part=".".join(map(str, parts)))
        case _:
            return Phrase.untranslated(".".join(map(str, place)))


def read_mapping(document: Any) -> Mapping:
    """Turn a parsed document into a mapping; MappingError lists all that is wrong with it."""
    try:
        return _Document.model_validate(document).to_mapping()
    except ValidationError as problem:
        raise MappingError([(error["loc"], _defect(error)) for error in problem.errors()]) from None


def _defect(error: ErrorDetails) -> Phrase:
    """Return the phrase of a defect; one that pydantic finds and has no template here keeps its English text."""
    values = error.get("ctx", {})
    if isinstance(raised := values.get("error"), PhraseError):
        return raised.text
    text = error["msg"].removeprefix(_VALUE_ERROR)
    wording = SchemaDefect.__members__.get(error["type"].upper())
    found = wording(**{name: _schema_part(part) for name, part in values.items()}) if wording else text
    return found if isinstance(found, Phrase) and found == text else Phrase.untranslated(text)


def _schema_part(value: object) -> Part:
    """Return a value of pydantic's; alternatives such as `'crm' or 'platform'` are joined in the reader's language."""
    *others, last = _QUOTED.findall(str(value)) or [str(value)]
    return Joined.OR(one=tuple(others), other=last) if others else last


# -------------------------------------------------------------------------------------------------------------- values


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise PhraseError(DocumentDefect.NO_TEXT())
    return value


def _expression(value: object) -> Expression | None:
    return None if value is None else parse_expression(trimmed(_text(value)))


def _column(value: object) -> Column | None:
    match _expression(value):
        case None | Column() as column:
            return column
        case _:
            raise PhraseError(DocumentDefect.NO_OWN_COLUMN())


def _column_or_related(value: object) -> Column | Related:
    match _expression(value):
        case Column() | Related() as column:
            return column
        case _:
            raise PhraseError(DocumentDefect.NO_COLUMN())


def _filter(value: object) -> Filter:
    return parse_filter(_text(value))


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PhraseError(DocumentDefect.NO_TIME_ZONE()) from None
    return name


Source = Annotated[Expression | None, PlainValidator(_expression)]
OwnColumn = Annotated[Column | None, PlainValidator(_column)]
Name = Annotated[str, BeforeValidator(bare), Field(pattern=r"^[a-z][a-z0-9_]*$")]
Trimmed = Annotated[str, BeforeValidator(bare)]
Arrow = Annotated[Direction, BeforeValidator(arrow)]
Word = BeforeValidator(word)
_STRICT = ConfigDict(extra="forbid", frozen=True)


# ---------------------------------------------------------------------------------------------------------------- rows


class _Row(BaseModel):
    model_config = _STRICT

    spotler: Annotated[Trimmed, Field(min_length=1)]
    contact: Source = None
    lead: Source = None
    account: Source = None
    entity: OwnColumn = None
    direction: Arrow = Direction.TO_PLATFORM
    only: Annotated[Trimmed, Field(min_length=1)] | None = Field(default=None, alias="filter")
    choices: dict[str | int, str] = {}
    foreign: Trimmed = ""
    invalid: Annotated[OnInvalid | None, Word] = None
    conflict: Annotated[ConflictPolicy, Word] = ConflictPolicy.CRM
    blank: Annotated[BlankPolicy, Word] = BlankPolicy.CLEAR
    comment: str = ""

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not (self.sources or self.entity):
            raise PhraseError(DocumentDefect.NO_SOURCE())
        return self

    @model_validator(mode="after")
    def _identifies_people(self) -> Self:
        """Records are found by their address, so it must be one of their own columns and reach the platform."""
        if self.spotler == EMAIL:
            if not all(isinstance(source, Column) for source in self.sources.values()):
                raise PhraseError(DocumentDefect.EMAIL_SOURCE(property=EMAIL))
            if not self.direction.reaches_platform:
                raise PhraseError(DocumentDefect.EMAIL_DIRECTION(property=EMAIL))
        return self

    @model_validator(mode="after")
    def _filters_by_value(self) -> Self:
        if self.only is not None and any(isinstance(source, MapTo) for source in self.sources.values()):
            raise PhraseError(DocumentDefect.FILTER_OF_A_LIST())
        return self

    @model_validator(mode="after")
    def _writes_where_it_can(self) -> Self:
        """A value from the platform needs one place in Dataverse (MAP-02)."""
        if self.direction.reaches_dataverse:
            calculated = [str(source) for source in self.sources.values() if not isinstance(source, Column | MapTo)]
            if calculated:
                raise PhraseError(DocumentDefect.CALCULATED(direction=self.direction, source=calculated[0]))
        elif self.entity is not None:
            raise PhraseError(DocumentDefect.ENTITY_DIRECTION())
        return self

    @model_validator(mode="after")
    def _fixed_values_go_to_dataverse(self) -> Self:
        """MAP-25: a fixed value in place of the property fills a Dataverse column of new subscribers."""
        if self.spotler.startswith(("$", "@")):
            if self.to_row().fixed is None:
                raise PhraseError(DocumentDefect.PROPERTY_NAME())
            if self.direction is not Direction.TO_DATAVERSE:
                raise PhraseError(DocumentDefect.FIXED_DIRECTION())
        return self

    @property
    def sources(self) -> dict[PersonTable, Expression]:
        """The expressions by table."""
        sources = zip(PersonTable, (self.contact, self.lead, self.account), strict=True)
        return {table: source for table, source in sources if source is not None}

    def to_row(self) -> MappingRow:
        return MappingRow(
            property_name=self.spotler,
            sources=self.sources,
            direction=self.direction,
            only=self.only,
            choices={str(value): text for value, text in self.choices.items()},
            foreign=self.foreign,
            on_invalid=self.invalid,
            entity=self.entity,
            conflict=self.conflict,
            blank=self.blank,
            comment=self.comment,
        )


# ------------------------------------------------------------------------------------------------------------ document


class _Periodiek(BaseModel):
    model_config = _STRICT

    table: Name
    name: Annotated[Column | Related, PlainValidator(_column_or_related)]
    subscribed: Name
    contact: Name | None = None
    lead: Name | None = None
    account: Name | None = None

    def to_periodiek(self) -> Periodiek:
        lookups = zip(PersonTable, (self.contact, self.lead, self.account), strict=True)
        return Periodiek(self.table, self.name, self.subscribed, {table: name for table, name in lookups if name})


class _Document(BaseModel):
    model_config = _STRICT

    version: int = Field(ge=VERSION, le=VERSION)
    language: int | None = Field(default=None, ge=1, le=0xFFFF)
    time_zone: Annotated[Trimmed, AfterValidator(_time_zone)] = Field(default=Mapping.time_zone, alias="timeZone")
    filters: dict[PersonTable, Annotated[Filter, PlainValidator(_filter)]] = {}
    outside: Annotated[Outside, Word] = Outside.KEEP
    entity_table: Name | None = Field(default=None, alias="entityTable")
    periodiek: _Periodiek | None = None
    rows: Annotated[list[_Row], Field(max_length=MOST_ROWS)]

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        if problems := [*self._problems_of_tables(), *self._problems_of_membership()]:
            raise PhraseError(series(*problems))
        return self

    def _problems_of_tables(self) -> Iterator[Phrase]:
        for table in PersonTable:
            targets = [row.spotler for row in self.rows if table in row.sources and row.to_row().fixed is None]
            count = Counter(targets)
            if twice := sorted(target for target, times in count.items() if times > 1):
                yield DocumentDefect.SEVERAL_ROWS(table=table, names=tuple(twice))
            if count and EMAIL not in count:
                yield DocumentDefect.NO_EMAIL(table=table, property=EMAIL)
            if twice := sorted({row.foreign for row in self.rows if row.foreign in count}):
                yield DocumentDefect.FOREIGN_IS_FILLED(table=table, names=tuple(twice))

    def _problems_of_membership(self) -> Iterator[Phrase]:
        if self.entity_table is None and any(row.entity for row in self.rows):
            yield DocumentDefect.NO_ENTITY_TABLE()
        periodiek = MapTo(OptionSource.PERIODIEK)
        for table in PersonTable:
            is_mapped = any(row.sources.get(table) == periodiek for row in self.rows)
            if is_mapped and (self.periodiek is None or getattr(self.periodiek, table) is None):
                yield DocumentDefect.NO_PERIODIEK(table=table, source=str(periodiek))

    def to_mapping(self) -> Mapping:
        return Mapping(
            rows=tuple(row.to_row() for row in self.rows),
            filters=self.filters,
            outside=self.outside,
            language=self.language,
            time_zone=self.time_zone,
            entity_table=self.entity_table or "",
            periodiek=self.periodiek.to_periodiek() if self.periodiek else None,
        )
