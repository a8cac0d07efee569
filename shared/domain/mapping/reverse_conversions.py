"""Converts a value of the platform to a value that Dataverse accepts, per kind of column: the reverse of `values`.

The result is for the body of a Web API request. `conversions` has the possible pairs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from shared.domain.mapping.conversions import ColumnKind, Possible, kind_of, to_dataverse
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyType, PropertyValue
from shared.domain.records.table_schema import ColumnDefinition, Option
from shared.domain.values.moments import in_zone, midnight_of, moment_of
from shared.domain.values.texts import utf16_length
from shared.domain.values.values import Misfit, decimal_of, gender_of, is_blank, sound
from shared.domain.wording.expectations import Expectation

_ON, _OFF = frozenset({"true", "ja", "yes", "1"}), frozenset({"false", "nee", "no", "0"})  # FLD-09
_WHOLE_RANGE, _BIG_RANGE = 2**31, 2**63
_LARGEST_AMOUNT = Decimal(922_337_203_685_477)  # of a currency column
_LARGEST_DECIMAL = Decimal(100_000_000_000)
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Stored:
    """The value as Dataverse wants it; None empties the column."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class NeedsMatch:
    """The column points to a row: the one that has this name must be found."""

    name: str


Returned = Stored | NeedsMatch | Misfit


def returned(
    value: PropertyValue,
    definition: PropertyDefinition,
    column: ColumnDefinition,
    *,
    zone: tzinfo = UTC,
    choices: Mapping[str, str] = _NOTHING,
) -> Returned:
    """Convert one value of the platform; `choices` are those of the mapping row, used in reverse.

    Misfit also for a pair that cannot be mapped.
    """
    kind = kind_of(column)
    way = to_dataverse(definition.type, kind)
    if not isinstance(way, Possible):
        return Misfit(Expectation.NOTHING(reason=way.reason))
    labels = _labels(value, definition) if isinstance(value, tuple) else None
    if is_blank(value) or labels == []:
        return Stored(None)
    text = "; ".join(labels) if labels is not None else _plain(value)
    number = decimal_of(text if labels is not None else value)
    given = _Given(text, number, column, definition.type, zone, choices)
    return _BACK[kind](given)


@dataclass(frozen=True, slots=True)
class _Given:
    """A value of the platform as text and, if possible, as a number; with its target."""

    text: str
    number: Decimal | None
    column: ColumnDefinition
    source: PropertyType
    zone: tzinfo
    choices: Mapping[str, str]

    def options(self) -> list[str]:
        """Split several labels, with the row's translations turned around."""
        backwards = {label.strip().casefold(): option for option, label in self.choices.items()}
        parts = (part.strip() for part in self.text.split(";"))
        return [backwards.get(part.casefold(), part) for part in parts if part]


def _labels(value: tuple[Any, ...], definition: PropertyDefinition) -> list[str]:
    entries = [definition.entry_with_bit(option.bit) for option in value if option.enabled]
    return [entry.label for entry in entries if entry is not None]


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else sound(str(value).strip())


def _text(given: _Given) -> Returned:
    limit = given.column.max_length
    if limit is not None and utf16_length(given.text) > limit:
        return Misfit(Expectation.AT_MOST(most=limit))
    return Stored(given.text)


def _whole(given: _Given) -> Returned:
    number = given.number
    limit = _BIG_RANGE if kind_of(given.column) is ColumnKind.BIG else _WHOLE_RANGE
    if number is None or number != number.to_integral_value() or not -limit <= number < limit:
        return Misfit(Expectation.LARGE_WHOLE())
    return Stored(int(number))


def _fraction(given: _Given) -> Returned:
    number = given.number
    limit = _LARGEST_AMOUNT if kind_of(given.column) is ColumnKind.CURRENCY else _LARGEST_DECIMAL
    if number is None or abs(number) > limit:
        return Misfit(Expectation.LARGE_NUMBER())
    return Stored(float(number))


def _two_options(given: _Given) -> Returned:
    text = next(iter(given.options()), "").casefold()
    found = _option(text, given.column.options)
    if found is not None:
        return Stored(found.value == 1)
    if text in _ON | _OFF:
        return Stored(text in _ON)
    return Misfit(Expectation.TRUTH())


def _choice(given: _Given) -> Returned:
    options = given.options()
    found = _option(options[0], given.column.options) if len(options) == 1 else None
    if found is None and given.source is PropertyType.GENDER:
        found = _gender(given)
    return Misfit(Expectation.OPTION_LABEL()) if found is None else Stored(found.value)


def _gender(given: _Given) -> Option | None:
    """M and F are rarely labels: use the option that is sent as the same letter."""
    return next(
        (
            option
            for option in given.column.options
            if gender_of(str(option.value), option.label, *option.labels.values()) == given.text
        ),
        None,
    )


def _choices(given: _Given) -> Returned:
    found = [_option(text, given.column.options) for text in given.options()]
    values = [option.value for option in found if option is not None]
    if len(values) < len(found):
        return Misfit(Expectation.OPTION_LABELS())
    return Stored(",".join(str(value) for value in sorted(set(values))))


def _option(text: str, options: tuple[Option, ...]) -> Option | None:
    """Find an option by label in any language, else by number; None if several would do."""
    wanted = text.strip().casefold()
    found = [
        option
        for option in options
        if wanted in {label.strip().casefold() for label in (option.label, *option.labels.values())}
    ] or [option for option in options if str(option.value) == wanted]
    return found[0] if len(found) == 1 else None


def _day(given: _Given) -> Returned:
    day = _as_day(given)
    return Misfit(Expectation.DATE()) if day is None else Stored(day.isoformat())


def _as_day(given: _Given) -> date | None:
    moment = moment_of(given.text)
    if not isinstance(moment, datetime):
        return moment
    try:
        return in_zone(moment, given.zone).date()
    except OverflowError:
        return None


def _local_day(given: _Given) -> Returned:
    """A column that shows days and holds moments gets the moment that Dataverse shows as the beginning of the day."""
    day = _as_day(given)
    try:
        return Misfit(Expectation.DATE()) if day is None else _on_the_wire(midnight_of(day, given.zone))
    except OverflowError:
        return Misfit(Expectation.DATE())


def _local(given: _Given) -> Returned:
    return _moment(given, lambda moment: moment.astimezone(UTC), lambda day: midnight_of(day, given.zone))


def _independent(given: _Given) -> Returned:
    return _moment(given, lambda moment: moment, lambda day: datetime.combine(day, time()))


def _moment(given: _Given, of_moment: Callable[[datetime], datetime], of_day: Callable[[date], datetime]) -> Returned:
    moment = moment_of(given.text)
    if moment is None:
        return Misfit(Expectation.MOMENT())
    try:
        if isinstance(moment, datetime):
            return _on_the_wire(of_moment(in_zone(moment, given.zone)))
        return _on_the_wire(of_day(moment))
    except OverflowError:
        return Misfit(Expectation.MOMENT())


def _on_the_wire(moment: datetime) -> Stored:
    """Dataverse writes every moment with Z; for a column that ignores time zones that is the clock on the wall."""
    return Stored(f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z")


def _row(given: _Given) -> Returned:
    return NeedsMatch(given.text)


_BACK: Mapping[ColumnKind, Callable[[_Given], Returned]] = {
    ColumnKind.TEXT: _text,
    ColumnKind.MEMO: _text,
    ColumnKind.WHOLE: _whole,
    ColumnKind.BIG: _whole,
    ColumnKind.DECIMAL: _fraction,
    ColumnKind.FLOAT: _fraction,
    ColumnKind.CURRENCY: _fraction,
    ColumnKind.TWO_OPTIONS: _two_options,
    ColumnKind.CHOICE: _choice,
    ColumnKind.CHOICES: _choices,
    ColumnKind.DATE: _day,
    ColumnKind.LOCAL_DATE: _local_day,
    ColumnKind.LOCAL_TIME: _local,
    ColumnKind.INDEPENDENT_TIME: _independent,
    ColumnKind.LOOKUP: _row,
    ColumnKind.CUSTOMER: _row,
    ColumnKind.OWNER: _row,
}
"""Kinds that never get a value of the platform are missing; `to_dataverse` refuses them."""
