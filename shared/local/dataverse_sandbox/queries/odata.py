"""`$filter`: a parser for the part of OData 4.0 that the Dataverse Web API has, into a small syntax tree.

Grammar, from loose to tight: `or`, `and`, `not`, then comparisons, functions and brackets. Source: Microsoft's
pages "Filter rows" and "Query functions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented

_FUNCTION_PREFIX = "Microsoft.Dynamics.CRM."
_COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_TEXT_FUNCTIONS = frozenset({"contains", "startswith", "endswith"})
_FUNCTION_PARAMETERS = frozenset({"PropertyValue", "PropertyValues"})
_WORDS: dict[str, Any] = {"null": None, "true": True, "false": False}
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
    r"|(?P<date>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<name>[A-Za-z_][\w.]*)"
    r"|(?P<alias>@[A-Za-z_]\w*)"
    r"|(?P<sign>[(),/:=\[\]])"
    r")"
)


class LiteralKind(StrEnum):
    """How a literal was written; a quoted id is no id to OData."""

    GUID = "Edm.Guid"
    DATE = "Edm.DateTimeOffset"
    NUMBER = "Edm.Int32"
    STRING = "Edm.String"
    BOOLEAN = "Edm.Boolean"
    NULL = "null"
    ENUM = "enum"


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    kind: LiteralKind
    value: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path operator literal`; `path` are the segments of a column path."""

    path: tuple[str, ...]
    operator: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class ColumnComparison:
    """`path operator other`: two columns of one row."""

    path: tuple[str, ...]
    operator: str
    other: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """`contains(path,'x')`, or `Microsoft.Dynamics.CRM.Name(PropertyName='path',…)` by its short name."""

    name: str
    path: tuple[str, ...]
    operands: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class And:
    """Every part must hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One part must hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part must not hold."""

    part: Node


Node = Comparison | ColumnComparison | Function | And | Or | Not


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


def parse(text: str, aliases: Mapping[str, Any] | None = None) -> Node:
    """Parse a filter; WebApiError 400 with the position of the first unexpected token.

    `aliases` are the values of `@name`; None where aliases are not allowed.
    """
    parser = _Parser([one for token in _tokens(text) for one in _resolved(token, aliases)])
    node = parser.disjunction()
    parser.expect_end()
    return node


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if not match or match.lastgroup is None:
            raise bad_request(f"Syntax error at position {position} in '{text}'.")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return tokens


def _resolved(token: _Token, aliases: Mapping[str, Any] | None) -> list[_Token]:
    """Replace an alias by its value, list of values or column; by null if it has no value."""
    if token.kind != "alias":
        return [token]
    if aliases is None:
        raise bad_request(f"The parameter alias '{token.text}' cannot be used here.")
    inner = _tokens(aliases.get(token.text) or "null")
    is_list = inner[0].text == "[" and inner[-1].text == "]"
    is_path = all(one.kind == ("name" if place % 2 == 0 else "sign") for place, one in enumerate(inner))
    if any(one.kind == "alias" or one.text in {"(", ")"} for one in inner) or not (
        len(inner) == 1 or is_list or (is_path and {one.text for one in inner[1::2]} == {"/"})
    ):
        raise bad_request(f"The parameter alias '{token.text}' is neither a value nor a column.")
    return [one._replace(position=token.position) for one in inner]


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = [*tokens, _Token("end", "", -1)]
        self._next = 0

    def disjunction(self) -> Node:
        parts = [self._conjunction()]
        while self._accept("or"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def expect_end(self) -> None:
        if self._peek.kind != "end":
            raise self._unexpected()

    def _conjunction(self) -> Node:
        parts = [self._negation()]
        while self._accept("and"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negation(self) -> Node:
        return Not(self._negation()) if self._accept("not") else self._primary()

    def _primary(self) -> Node:
        if self._accept("("):
            node = self.disjunction()
            self._expect(")")
            return node
        if self._peek.kind != "name":
            raise self._unexpected()
        name = self._take().text
        if self._peek.text == "(":
            return self._function(name)
        return self._comparison(name)

    def _comparison(self, first: str) -> Node:
        path = [first]
        while self._accept("/"):
            segment = self._name()
            if segment in {"any", "all"} and self._peek.text == "(":
                raise not_implemented(f"The lambda operator '{segment}' of $filter")
            path.append(segment)
        operator = self._take()
        if operator.text not in _COMPARISONS:
            raise bad_request(
                f"Syntax error: '{operator.text}' at position {operator.position} is not a comparison operator."
            )
        if self._peek.kind == "name" and self._peek.text not in _WORDS and not self._is_enum:
            return ColumnComparison(tuple(path), operator.text, self._path())
        return Comparison(tuple(path), operator.text, self._literal())

    def _function(self, name: str) -> Function:
        self._expect("(")
        if name in _TEXT_FUNCTIONS:
            path = self._path()
            self._expect(",")
            operand = self._literal()
            self._expect(")")
            return Function(name, path, (operand.value,))
        if not name.startswith(_FUNCTION_PREFIX):
            raise bad_request(f"An unknown function with name '{name}' was found.")
        named = self._arguments()
        if "PropertyName" not in named:
            raise bad_request(f"The function '{name}' needs the parameter PropertyName.")
        path = tuple(str(named.pop("PropertyName")).split("/"))
        if named.keys() - _FUNCTION_PARAMETERS:
            raise bad_request(f"The function '{name}' has no parameter '{min(named.keys() - _FUNCTION_PARAMETERS)}'.")
        operands: list[Any] = []
        for value in named.values():
            operands.extend(value if isinstance(value, list) else [value])
        return Function(name.removeprefix(_FUNCTION_PREFIX), path, tuple(operands))

    def _arguments(self) -> dict[str, Any]:
        named: dict[str, Any] = {}
        while not self._accept(")"):
            parameter = self._name()
            self._expect("=")
            named[parameter] = self._array() if self._peek.text == "[" else self._literal().value
            self._accept(",")
        return named

    def _array(self) -> list[Any]:
        self._expect("[")
        items: list[Any] = []
        while not self._accept("]"):
            items.append(self._literal().value)
            self._accept(",")
        return items

    def _path(self) -> tuple[str, ...]:
        path = [self._name()]
        while self._accept("/"):
            path.append(self._name())
        return tuple(path)

    def _literal(self) -> Literal:
        token = self._take()
        match token.kind:
            case "guid":
                return Literal(LiteralKind.GUID, token.text.lower())
            case "date":
                return Literal(LiteralKind.DATE, token.text)
            case "number":
                return Literal(LiteralKind.NUMBER, float(token.text) if "." in token.text else int(token.text))
            case "string":
                return Literal(LiteralKind.STRING, token.text[1:-1].replace("''", "'"))
            case "name" if token.text in _WORDS:
                kind = LiteralKind.NULL if token.text == "null" else LiteralKind.BOOLEAN
                return Literal(kind, _WORDS[token.text])
            case "name" if self._peek.kind == "string":  # Microsoft.Dynamics.CRM.RelationshipType'…'
                return Literal(LiteralKind.ENUM, self._literal().value)
            case _:
                raise self._unexpected(token)

    def _name(self) -> str:
        token = self._take()
        if token.kind != "name":
            raise self._unexpected(token)
        return token.text

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    @property
    def _is_enum(self) -> bool:
        return self._tokens[self._next + 1].kind == "string"

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        if token.kind != "end":
            self._next += 1
        return token

    def _accept(self, text: str) -> bool:
        token = self._peek
        if token.text != text or token.kind not in {"name", "sign"}:
            return False
        self._next += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._unexpected()

    def _unexpected(self, token: _Token | None = None) -> Exception:
        found = token or self._peek
        where = f"'{found.text}' at position {found.position}" if found.kind != "end" else "the end of the expression"
        return bad_request(f"Syntax error: did not expect {where}.")
