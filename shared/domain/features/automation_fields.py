"""Automation Fields: the personalisation fields that a Start Automation job brings along (AUT-13..AUT-21).

    fields    = [ field ] *( separator [ field ] )
    separator = ";" / line break
    field     = name "=" ( list / text )
    list      = "{" [ item *( "," item ) ] "}"

Names are case-sensitive. Blanks around names, texts and items do not count; a text ends at the separator and may hold
any other character; an item ends at "," or "}", and a list may go over several lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.domain.features.automations import AutomationField, FieldType, FieldValue

_SEPARATORS = ";\r\n"
_HINTS = {form: kind for kind in FieldType for form in (kind.value, f"<{kind.value}>")}
"""A type hint is the name of the type, with or without angle brackets (AUT-14, AUT-21)."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands in the text; both count from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class AutomationFieldsError(ValueError):
    """The text is no list of fields. The message has position, field and cure, never a value."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One `name=value` as written; `value` is a tuple for `{…}`."""

    name: str
    value: str | tuple[str, ...]
    at: Position

    def __str__(self) -> str:
        return f"{self.name}={self.value}" if isinstance(self.value, str) else f"{self.name}={{{','.join(self.value)}}}"


def parse(text: str) -> tuple[Assignment, ...]:
    """Read the assignments in their order. AutomationFieldsError."""
    return _Parser(text).assignments()


def write(assignments: Sequence[Assignment]) -> str:
    """Write assignments so that `parse` reads the same names and values."""
    return ";".join(map(str, assignments))


def field_values(text: str, known: Mapping[str, FieldType]) -> tuple[FieldValue, ...]:
    """Read the values of a job; empty fields are left out (AUT-17).

    `known` are the fields of the automation: if there are any, other fields are an error, and each has its type.
    Without them, `{…}` is a product list and everything else a text. AutomationFieldsError.
    """
    values = (_field_value(assignment, known) for assignment in parse(text))
    return tuple(value for value in values if any(value.values))


def write_hints(fields: Sequence[AutomationField]) -> str:
    """Write the initial text of Automation Fields: each field with its type (AUT-14), one to a line."""
    return "\n".join(f"{field.name}={_hint(field.type)}" for field in fields)


def read_hints(text: str) -> dict[str, FieldType]:
    """Read the text of `write_hints`. A malformed hint (somebody edited the row) counts as a text."""
    return {assignment.name: _hinted(assignment) or FieldType.STRING for assignment in parse(text)}


def _hint(kind: FieldType) -> str:
    return f"{{<{kind}>}}" if kind is FieldType.PRODUCTLIST else f"<{kind}>"


def _hinted(assignment: Assignment) -> FieldType | None:
    """Return the type that stands in the place of a value; AUT-21 also writes `{<STRING>,<STRING>,etc}` for a list."""
    if isinstance(assignment.value, str):
        return _HINTS.get(assignment.value)
    return FieldType.PRODUCTLIST if any(item in _HINTS for item in assignment.value) else None


def _field_value(assignment: Assignment, known: Mapping[str, FieldType]) -> FieldValue:
    name, value, at = assignment.name, assignment.value, assignment.at
    if known and name not in known:
        raise AutomationFieldsError(
            f"{at}: {name} is no field of this automation. It has {', '.join(known)} (upper and lower case count)."
        )
    if _hinted(assignment) is not None:
        raise AutomationFieldsError(
            f"{at}: {name} still holds its type hint. Replace it by a value, or leave it empty."
        )
    kind = known.get(name) or (FieldType.STRING if isinstance(value, str) else FieldType.PRODUCTLIST)
    match value, kind:
        case str(), FieldType.PRODUCTLIST if value:
            raise AutomationFieldsError(f"{at}: {name} takes product ids in curly brackets, such as {{123,567}}.")
        case tuple(), FieldType.STRING | FieldType.URL:
            raise AutomationFieldsError(f"{at}: {name} takes one text, no list in curly brackets.")
        case str(), _:
            return FieldValue(name, kind, (value,))
        case _:
            return FieldValue(name, kind, tuple(item for item in value if item))


class _Parser:
    """Reads from left to right; `_index` is where it stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._index = 0
        self._counted = (0, Position(1, 1))

    def assignments(self) -> tuple[Assignment, ...]:
        found: dict[str, Assignment] = {}
        while self._skip(_SEPARATORS):
            assignment = self._assignment()
            if assignment.name in found:
                first = found[assignment.name].at
                raise AutomationFieldsError(f"{assignment.at}: {assignment.name} was given before, at {first}.")
            found[assignment.name] = assignment
        return tuple(found.values())

    def _assignment(self) -> Assignment:
        begin = self._index
        name = self._until("=" + _SEPARATORS).strip()
        if self._current != "=":
            raise self._error(begin, "expected name=value, and found no equals sign. A value cannot contain ; or Enter")
        if not name:
            raise self._error(begin, "expected a field name before the equals sign")
        self._index += 1
        self._skip()
        value = self._list() if self._current == "{" else self._until(_SEPARATORS).strip()
        return Assignment(name, value, self._position(begin))

    def _list(self) -> tuple[str, ...]:
        begin = self._index
        items: list[str] = []
        while self._current != "}":
            self._index += 1
            items.append(" ".join(self._until(",};").split()))
            if self._current in {"", ";"}:
                raise self._error(begin, "the list that begins here has no closing curly bracket")
        self._index += 1
        self._skip()
        if self._current not in {"", *_SEPARATORS}:
            raise self._error(self._index, "expected ; or Enter after the closing curly bracket")
        return tuple(items) if any(items) else ()

    @property
    def _current(self) -> str:
        """The character at which it stands, "" at the end."""
        return self._text[self._index : self._index + 1]

    def _skip(self, more: str = "") -> bool:
        """Go past blanks (and `more`); whether there is anything left."""
        while (character := self._current) and (character in more or (character.isspace() and character not in "\r\n")):
            self._index += 1
        return bool(self._current)

    def _until(self, stops: str) -> str:
        begin = self._index
        while self._current and self._current not in stops:
            self._index += 1
        return self._text[begin : self._index]

    def _position(self, index: int) -> Position:
        """Count from the end of the last count: positions are requested in ascending order."""
        begin, at = self._counted
        lines = self._text[begin:index].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        before = at.column if len(lines) == 1 else 1
        at = Position(at.line + len(lines) - 1, before + len(lines[-1]))
        self._counted = (index, at)
        return at

    def _error(self, index: int, what: str) -> AutomationFieldsError:
        return AutomationFieldsError(f"{self._position(index)}: {what}.")
