"""Compares the values of filters with columns: whether a column's value equals one of them, or never can (MAP-12).

Equal are, by the type of the column:

- two options: true, 1, "yes" and "ja", or their opposites, and the labels
- choice, choices, status, status reason: the number of an option, or its label in the mapping's language
- whole, decimal and floating point number, currency: the number, also written as text, with a point or a comma
- dates: "2025-01-01" is the whole day in the mapping's time zone, "2025-01-01T09:30" that minute there; or with an
  offset, "2025-01-01T09:30+02:00"
- lookup: the name of the row, or its id
- text: the text, in any case and without blanks around it

An empty column equals nothing. `why_never` is for the check: a value that it accepts can be equal.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from shared.domain.mapping.conversions import ColumnKind, kind_of
from shared.domain.mapping.language.filters import Value
from shared.domain.records.records import Choices, Lookup
from shared.domain.records.table_schema import ColumnDefinition, Option
from shared.domain.values.moments import in_zone, moment_of
from shared.domain.values.values import decimal_of, is_blank, text_of
from shared.domain.wording.findings import FilterCure
from shared.domain.wording.phrase import Phrase, either

_TRUTHS = {"true": True, "false": False}
_WORDS = {"yes": True, "ja": True, "no": False, "nee": False}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?")
_OFFSET = re.compile(r"(Z|[+-]\d{2}:\d{2})$")
_DAY_LENGTH = len("2025-01-01")
_PATTERN = re.compile(r"^[%*]|[%*]$")
_MOST_NAMED = 10
_NO_VALUE = FilterCure.OTHER_COLUMN()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One value of a filter, in every form that columns may have.

    `truth` is its meaning for two options, `word` its form if no label has another meaning.
    """

    texts: frozenset[str]
    number: Decimal | None = None
    truth: bool | None = None
    word: bool | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The values of a filter. `zone` is the time zone of dates."""

    zone: tzinfo
    texts: frozenset[str] = frozenset()
    numbers: frozenset[Decimal] = frozenset()
    truths: frozenset[bool] = frozenset()
    words: frozenset[bool] = frozenset()
    times: tuple[str, ...] = ()

    def includes(self, value: Any, label: str | None) -> bool:
        """Whether a column's value equals one of them; `label` is the label of the value, if it has one."""
        if is_blank(value):
            return False
        return self._has_label(label) or self._has(value, label)

    def _has_label(self, label: str | None) -> bool:
        return label is not None and folded(label) in self.texts

    def _has(self, value: Any, label: str | None) -> bool:
        match value:
            case bool():
                return value in self.truths or (value in self.words and not _says_the_opposite(label, truth=value))
            case float():
                return any(float(number) == value for number in self.numbers)
            case int():
                return value in self.numbers
            case Choices(values, labels):
                return not self.numbers.isdisjoint(values) or not self.texts.isdisjoint(map(folded, labels))
            case Lookup():
                return str(value.id) in self.texts
            case _:
                text = text_of(value, None)
                return folded(text) in self.texts or (bool(self.times) and self._is_that_time(text))

    def _is_that_time(self, text: str) -> bool:
        moment = moment_of(text)
        if not isinstance(moment, datetime):
            return False
        local = _printed(moment, self.zone)
        return any(local.startswith(time) for time in self.times)


def wanted(values: Iterable[Value], zone: tzinfo = UTC) -> Wanted:
    """Prepare values for many comparisons."""
    forms = [_forms(value, zone) for value in values]
    return Wanted(
        zone,
        texts=frozenset(text for form in forms for text in form.texts),
        numbers=frozenset(form.number for form in forms if form.number is not None),
        truths=frozenset(form.truth for form in forms if form.truth is not None),
        words=frozenset(form.word for form in forms if form.word is not None),
        times=tuple(form.time for form in forms if form.time is not None),
    )


def folded(text: str) -> str:
    """Write a text as texts are compared: blanks around it, case, and how its accents are stored do not count."""
    return unicodedata.normalize("NFC", text_of(text, None).strip()).casefold()


def _forms(value: Value, zone: tzinfo) -> _Wanted:
    match value:
        case bool():
            return _Wanted(frozenset({str(value).lower()}), truth=value)
        case int() | Decimal():
            number = Decimal(value)
            return _Wanted(frozenset({text_of(value, None), str(number)}), number, _truth_of(number))
        case str():
            text = folded(value)
            number_or_none = decimal_of(text)
            return _Wanted(
                frozenset({text, *_identifier(text)}),
                number_or_none,
                _TRUTHS.get(text, _truth_of(number_or_none)),
                _WORDS.get(text),
                _time(value.strip(), zone),
            )


def _truth_of(number: Decimal | None) -> bool | None:
    return bool(number) if number in {Decimal(0), Decimal(1)} else None


def _identifier(text: str) -> list[str]:
    try:
        return [str(UUID(text))]
    except ValueError:
        return []


def _time(text: str, zone: tzinfo) -> str | None:
    """Print a day or a moment so that moments which are meant begin with it; None if it is none."""
    moment = moment_of(text)
    offset = _OFFSET.search(text) if len(text) > _DAY_LENGTH else None
    written = text.removesuffix(offset[0]) if offset else text
    if moment is None or _DATE.fullmatch(written) is None:
        return None
    return _printed(moment, zone)[: len(written)] if isinstance(moment, datetime) else written


def _printed(moment: datetime, zone: tzinfo) -> str:
    """Print a moment as clocks of the zone show it; one without an offset is the same everywhere."""
    try:
        local = moment if moment.tzinfo is None else in_zone(moment, zone)
    except OverflowError:
        local = moment
    return local.replace(tzinfo=None).isoformat(timespec="seconds")


def _says_the_opposite(label: str | None, *, truth: bool) -> bool:
    """Whether labels are the wrong way round: No for true."""
    return label is not None and _WORDS.get(folded(label)) is (not truth)


# -------------------------------------------------------------------------------------------------- what can be equal


def why_never(value: Value, column: ColumnDefinition, language: int | None) -> Phrase | None:
    """Return what to write instead of a value that the column can never have; None if it can.

    `language` is that of the mapping's labels, None for those of the connector's user.
    """
    if isinstance(value, str) and not value.strip():
        return FilterCure.EMPTY(column=column.name)
    return _NEVER[kind_of(column)](_Question(_forms(value, UTC), value, column, language))


def why_unread(column: ColumnDefinition) -> Phrase | None:
    """Return what to do about a column that a filter cannot read: files, images and the like."""
    return _NO_VALUE if kind_of(column) is ColumnKind.OTHER else None


def looks_like_pattern(value: Value, column: ColumnDefinition) -> bool:
    """Whether a text begins or ends with a sign that stands for any letters elsewhere, and for itself here."""
    is_text = kind_of(column) in {ColumnKind.TEXT, ColumnKind.MEMO}
    return is_text and isinstance(value, str) and _PATTERN.search(value.strip()) is not None


@dataclass(frozen=True, slots=True)
class _Question:
    """A value of a filter, to be compared by the type of its column."""

    form: _Wanted
    value: Value
    column: ColumnDefinition
    language: int | None

    @property
    def has_offset(self) -> bool:
        text = str(self.value).strip()
        return len(text) > _DAY_LENGTH and _OFFSET.search(text) is not None


def _two_options(asked: _Question) -> Phrase | None:
    form = asked.form
    labels = {option.value: _shown(option, asked.language) for option in asked.column.options}
    by_label = {value for value, label in labels.items() if folded(label) in form.texts}
    meant = form.truth if form.truth is not None else form.word
    is_reversed = any(_says_the_opposite(label, truth=bool(value)) for value, label in labels.items())
    if meant is not None and ((by_label and by_label != {int(meant)}) or (is_reversed and form.truth is None)):
        return FilterCure.TRUTH_LABELS()
    if meant is not None or by_label:
        return None
    return either(FilterCure.TRUTH(), *filter(None, labels.values()))


def _option(asked: _Question) -> Phrase | None:
    form, options, language = asked.form, asked.column.options, asked.language
    if not options:
        return FilterCure.OPTION_NUMBER() if isinstance(asked.value, bool) else None
    by_number = {option.value for option in options if option.value == form.number}
    by_label = {option.value for option in options if folded(_shown(option, language)) in form.texts}
    if by_number and by_label - by_number:
        return FilterCure.OPTION_LABEL()
    return None if by_number or by_label else _another_option(asked)


def _another_option(asked: _Question) -> Phrase:
    options, language = asked.column.options, asked.language
    for option in options:
        if any(folded(label) in asked.form.texts for label in (*option.labels.values(), option.label)):
            label, number = _shown(option, language), str(option.value)
            if language is None:
                return FilterCure.LABELS_OF_USER(label=label, value=number)
            return FilterCure.LABELS_OF_LANGUAGE(language=str(language), label=label, value=number)
    some = tuple(f"{option.value} ({_shown(option, language)})" for option in options[:_MOST_NAMED])
    more = len(options) - len(some)
    return FilterCure.ONE_OF_MORE(options=some, more=more) if more else FilterCure.ONE_OF(options=some)


def _whole(asked: _Question) -> Phrase | None:
    number = asked.form.number
    return None if number is not None and number == number.to_integral_value() else FilterCure.WHOLE()


def _number(asked: _Question) -> Phrase | None:
    return None if asked.form.number is not None else FilterCure.NUMBER()


def _day(asked: _Question) -> Phrase | None:
    is_day = asked.form.time is not None and len(str(asked.value).strip()) == _DAY_LENGTH
    return None if is_day else FilterCure.DAY()


def _moment(asked: _Question) -> Phrase | None:
    return None if asked.form.time is not None else FilterCure.MOMENT()


def _independent_moment(asked: _Question) -> Phrase | None:
    if asked.form.time is not None and asked.has_offset:
        return FilterCure.NO_ZONE()
    return _moment(asked)


def _id(asked: _Question) -> Phrase | None:
    is_id = isinstance(asked.value, str) and _identifier(folded(asked.value))
    return None if is_id else FilterCure.ID()


def _row(asked: _Question) -> Phrase | None:
    return FilterCure.ROW() if isinstance(asked.value, bool) else None


def _text(asked: _Question) -> Phrase | None:
    longest = asked.column.max_length
    if longest is None or min(map(len, asked.form.texts)) <= longest:
        return None
    return FilterCure.SHORTER(most=longest)


_NEVER: Mapping[ColumnKind, Callable[[_Question], Phrase | None]] = {
    ColumnKind.TWO_OPTIONS: _two_options,
    ColumnKind.CHOICE: _option,
    ColumnKind.CHOICES: _option,
    ColumnKind.STATE: _option,
    ColumnKind.STATUS: _option,
    ColumnKind.WHOLE: _whole,
    ColumnKind.BIG: _whole,
    ColumnKind.DECIMAL: _number,
    ColumnKind.FLOAT: _number,
    ColumnKind.CURRENCY: _number,
    ColumnKind.DATE: _day,
    ColumnKind.LOCAL_DATE: _day,
    ColumnKind.LOCAL_TIME: _moment,
    ColumnKind.INDEPENDENT_TIME: _independent_moment,
    ColumnKind.LOOKUP: _row,
    ColumnKind.CUSTOMER: _row,
    ColumnKind.OWNER: _row,
    ColumnKind.UNIQUE_ID: _id,
    ColumnKind.TEXT: _text,
    ColumnKind.MEMO: _text,
    ColumnKind.OTHER: lambda _asked: _NO_VALUE,
}


def _shown(option: Option, language: int | None) -> str:
    """Return the label with which records are read."""
    return option.label if language is None else option.labels.get(language, option.label)
