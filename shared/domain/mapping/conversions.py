"""Which Dataverse columns and properties can be paired, in each direction, and why others cannot (MAP-03).

The table of `docs/conversions.md` is made from this module. A pair that is impossible, or that loses a part of every
value, is refused when a mapping is loaded. A single value that does not fit is reported with its record.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from shared.domain.mapping.language.expression import (
    Child,
    Coalesce,
    Column,
    Concat,
    Constant,
    CustomerType,
    Expression,
    Literal,
    MapTo,
    Operand,
    QueryExpression,
    Related,
    Source,
)
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyType
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, DateBehaviour
from shared.domain.wording.findings import PairText
from shared.domain.wording.phrase import Phrase


class ColumnKind(StrEnum):
    """The kind of a column, as makers see it; dates by their meaning in another time zone."""

    TEXT = "text"
    MEMO = "multiline text"
    WHOLE = "whole number"
    BIG = "big integer"
    DECIMAL = "decimal number"
    FLOAT = "floating point number"
    CURRENCY = "currency"
    TWO_OPTIONS = "two options"
    CHOICE = "choice"
    CHOICES = "choices"
    STATE = "status"
    STATUS = "status reason"
    DATE = "date only"
    LOCAL_DATE = "date only, user local"
    LOCAL_TIME = "date and time, user local"
    INDEPENDENT_TIME = "date and time, time zone independent"
    LOOKUP = "lookup"
    CUSTOMER = "customer"
    OWNER = "owner"
    UNIQUE_ID = "unique identifier"
    OTHER = "anything else"


@dataclass(frozen=True, slots=True)
class Possible:
    """Values are converted; `note` explains how, if that is not obvious."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Lossy:
    """Every value would lose something: refused."""

    reason: Phrase


@dataclass(frozen=True, slots=True)
class Impossible:
    """There is no such conversion: refused."""

    reason: Phrase


Way = Possible | Lossy | Impossible

_KINDS = {
    ColumnType.BIG_INT: ColumnKind.BIG,
    ColumnType.BOOLEAN: ColumnKind.TWO_OPTIONS,
    ColumnType.CUSTOMER: ColumnKind.CUSTOMER,
    ColumnType.DECIMAL: ColumnKind.DECIMAL,
    ColumnType.DOUBLE: ColumnKind.FLOAT,
    ColumnType.ENTITY_NAME: ColumnKind.OTHER,
    ColumnType.INTEGER: ColumnKind.WHOLE,
    ColumnType.LOOKUP: ColumnKind.LOOKUP,
    ColumnType.MEMO: ColumnKind.MEMO,
    ColumnType.MONEY: ColumnKind.CURRENCY,
    ColumnType.MULTI_SELECT: ColumnKind.CHOICES,
    ColumnType.OWNER: ColumnKind.OWNER,
    ColumnType.PICKLIST: ColumnKind.CHOICE,
    ColumnType.STATE: ColumnKind.STATE,
    ColumnType.STATUS: ColumnKind.STATUS,
    ColumnType.STRING: ColumnKind.TEXT,
    ColumnType.UNIQUEIDENTIFIER: ColumnKind.UNIQUE_ID,
    ColumnType.UNKNOWN: ColumnKind.OTHER,
}


def kind_of(column: ColumnDefinition) -> ColumnKind:
    """Return the kind of a column."""
    if column.type is not ColumnType.DATE_TIME:
        return _KINDS[column.type]
    match column.behaviour:
        case DateBehaviour.DATE_ONLY:
            return ColumnKind.DATE
        case DateBehaviour.TIME_ZONE_INDEPENDENT:
            return ColumnKind.INDEPENDENT_TIME
        case DateBehaviour.USER_LOCAL | None:
            return ColumnKind.LOCAL_TIME if column.shows_time else ColumnKind.LOCAL_DATE


def to_platform(kind: ColumnKind, property_type: PropertyType) -> Way:
    """Decide whether a column can fill a property."""
    return _TO_PLATFORM[property_type].get(kind, _NO_MEANING)


def to_dataverse(property_type: PropertyType, kind: ColumnKind) -> Way:
    """Decide whether a property can fill a column."""
    return _READ_ONLY.get(kind) or _TO_DATAVERSE[property_type].get(kind, _NO_MEANING)


def expression_to_platform(
    expression: Expression, definition: PropertyDefinition, column_of: Callable[[Source], ColumnDefinition | None]
) -> Way:
    """Decide whether an expression can fill a property: all its possible columns must. Unknown columns do not count."""
    if isinstance(expression, MapTo):
        return (
            Possible()
            if definition.type is PropertyType.SET
            else Impossible(PairText.FILLS_A_LIST(expression=str(expression)))
        )
    if definition.type is PropertyType.SET and isinstance(expression, Constant | CustomerType | Concat):
        return _NO_OPTIONS
    ways = [to_platform(kind, definition.type) for kind in _kinds(expression, column_of)]
    return next((way for way in ways if not isinstance(way, Possible)), ways[0] if ways else Possible())


def _kinds(
    expression: Expression | Operand, column_of: Callable[[Source], ColumnDefinition | None]
) -> Iterable[ColumnKind]:
    match expression:
        case Column() | Related() | Child() | QueryExpression():
            column = column_of(expression)
            return [] if column is None else [kind_of(column)]
        case Coalesce(operands):
            return [kind for operand in operands for kind in _kinds(operand, column_of)]
        case CustomerType() | Constant() | Literal() | Concat():
            return [ColumnKind.TEXT]
        case MapTo():
            return []
        case _:
            assert_never(expression)


# --------------------------------------------------------------------------------------------------------------- groups

_TEXTS = (ColumnKind.TEXT, ColumnKind.MEMO)
_WHOLES = (ColumnKind.WHOLE, ColumnKind.BIG)
_FRACTIONS = (ColumnKind.DECIMAL, ColumnKind.FLOAT, ColumnKind.CURRENCY)
_CHOICES = (ColumnKind.CHOICE, ColumnKind.STATE, ColumnKind.STATUS)
_DAYS = (ColumnKind.DATE, ColumnKind.LOCAL_DATE)
_MOMENTS = (ColumnKind.LOCAL_TIME, ColumnKind.INDEPENDENT_TIME)
_POINTERS = (ColumnKind.LOOKUP, ColumnKind.CUSTOMER, ColumnKind.OWNER)

Cells = dict[ColumnKind, Way]

_NO_MEANING = Impossible(PairText.NO_MEANING())
_NO_OPTIONS = Impossible(PairText.NO_OPTIONS())
_NO_TIME = Lossy(PairText.NO_TIME())
_AS_IS, _IF_IT_IS_ONE = Possible(), Possible("where the text is one")
_BY_LABEL, _BY_NUMBER = Possible("by label"), Possible("by number")
_WHOLE_ONLY = Possible("whole amounts only")
_CENTS = Possible("rounded to cents; what is rounded is reported")
_MIDNIGHT = Possible("midnight in the time zone of the mapping")
_MATCHED = Possible("the row must be found by its name")


def _cells(*groups: tuple[Iterable[ColumnKind], Way]) -> Cells:
    return {kind: way for kinds, way in groups for kind in kinds}


# -------------------------------------------------------------------------------------------------------- to Spotler

_ANY_TEXT = _cells(
    (_TEXTS, _AS_IS),
    ((*_WHOLES, *_FRACTIONS), Possible("as digits, with a point")),
    ((ColumnKind.TWO_OPTIONS, *_CHOICES), _BY_LABEL),
    ([ColumnKind.CHOICES], Possible("labels, separated by semicolons")),
    (_DAYS, Possible("as 2024-12-31")),
    ([ColumnKind.INDEPENDENT_TIME], Possible("as 2024-12-31T23:59:00")),
    ([ColumnKind.LOCAL_TIME], Possible("as 2024-12-31T22:59:00Z, in world time")),
    (_POINTERS, Possible("the name of the row")),
    ([ColumnKind.UNIQUE_ID], _AS_IS),
)
_DAY = _cells((_TEXTS, _IF_IT_IS_ONE), (_DAYS, _AS_IS), (_MOMENTS, _NO_TIME))
_CHECKED_TEXT = _cells((_TEXTS, _IF_IT_IS_ONE))

_TO_PLATFORM: Mapping[PropertyType, Cells] = {
    PropertyType.STRING: _ANY_TEXT,
    PropertyType.UNKNOWN: _ANY_TEXT,
    PropertyType.EMAIL: _CHECKED_TEXT,
    PropertyType.POSTCODE: _CHECKED_TEXT,
    PropertyType.MOBILE_NUMBER: _CHECKED_TEXT,
    PropertyType.PHONE_NUMBER: _CHECKED_TEXT,
    PropertyType.INT: _cells(
        (_TEXTS, _IF_IT_IS_ONE),
        (_WHOLES, _AS_IS),
        (_FRACTIONS, _WHOLE_ONLY),
        ([ColumnKind.TWO_OPTIONS], Possible("1 and 0")),
        (_CHOICES, _BY_NUMBER),
    ),
    PropertyType.MONEY: _cells((_TEXTS, _IF_IT_IS_ONE), (_WHOLES, _AS_IS), (_FRACTIONS, _CENTS)),
    PropertyType.DATE: _DAY,
    PropertyType.BIRTHDATE: _DAY,
    PropertyType.DATE_TIME: _cells((_TEXTS, _IF_IT_IS_ONE), (_DAYS, _MIDNIGHT), (_MOMENTS, _AS_IS)),
    PropertyType.GENDER: _cells((_TEXTS, _IF_IT_IS_ONE), (_CHOICES, Possible("male or female, by label, or 1 and 2"))),
    PropertyType.SET: dict.fromkeys(ColumnKind, _NO_OPTIONS)
    | _cells(((*_CHOICES, ColumnKind.CHOICES), Possible("labels are options; the other options are switched off"))),
}


# ------------------------------------------------------------------------------------------------------- to Dataverse

_READ_ONLY: Cells = _cells(
    ([ColumnKind.UNIQUE_ID], Impossible(PairText.NEVER_CHANGES())),
    ((ColumnKind.STATE, ColumnKind.STATUS), Impossible(PairText.SET_BY_DATAVERSE())),
    ([ColumnKind.OTHER], _NO_MEANING),
)
_ONE_LINE = _cells((_TEXTS, Possible("if it is not too long")))
_DAY_BACK = _ONE_LINE | _cells((_DAYS, _AS_IS), (_MOMENTS, _MIDNIGHT))
_TEXT_BACK = _ONE_LINE | _cells(
    ((*_WHOLES, *_FRACTIONS, *_DAYS, *_MOMENTS), _IF_IT_IS_ONE),
    ([ColumnKind.TWO_OPTIONS], Possible("by label, or true, ja, 1 and false, nee, 0")),
    ([ColumnKind.CHOICE], Possible("by label or number")),
    ([ColumnKind.CHOICES], Possible("labels or numbers, separated by semicolons")),
    (_POINTERS, _MATCHED),
)

_TO_DATAVERSE: Mapping[PropertyType, Cells] = {
    PropertyType.STRING: _TEXT_BACK,
    PropertyType.UNKNOWN: _TEXT_BACK,
    PropertyType.EMAIL: _ONE_LINE,
    PropertyType.POSTCODE: _ONE_LINE,
    PropertyType.MOBILE_NUMBER: _ONE_LINE,
    PropertyType.PHONE_NUMBER: _ONE_LINE,
    PropertyType.INT: _ONE_LINE
    | _cells(
        ((*_WHOLES, *_FRACTIONS), _AS_IS),
        ([ColumnKind.TWO_OPTIONS], Possible("1 and 0")),
        ([ColumnKind.CHOICE], _BY_NUMBER),
    ),
    PropertyType.MONEY: _ONE_LINE | _cells((_WHOLES, _WHOLE_ONLY), (_FRACTIONS, _AS_IS)),
    PropertyType.DATE: _DAY_BACK,
    PropertyType.BIRTHDATE: _DAY_BACK,
    PropertyType.DATE_TIME: _ONE_LINE | _cells((_DAYS, _NO_TIME), (_MOMENTS, _AS_IS)),
    PropertyType.GENDER: _ONE_LINE | _cells(([ColumnKind.CHOICE], Possible("male or female, by label, or 1 and 2"))),
    PropertyType.SET: _cells(
        (_TEXTS, Possible("labels, separated by semicolons")),
        ([ColumnKind.CHOICES], _BY_LABEL),
        ([ColumnKind.CHOICE], Lossy(PairText.ONE_OF_SEVERAL())),
    ),
}
