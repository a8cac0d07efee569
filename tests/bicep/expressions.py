"""Evaluates the expressions of Bicep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.bicep.syntax import Node, parts, text

Names = Mapping[str, Callable[[], Any]]
"""Each name of a template with what computes its value."""

_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r"}


@dataclass(frozen=True)
class Resource:
    """A resource that other expressions refer to: what Azure alone knows of it becomes a text in angle brackets."""

    name: str
    kind: str
    symbol: str

    def member(self, name: str) -> Any:
        match name:
            case "id":
                return f"/subscriptions/s/resourceGroups/g/providers/{self.kind}/{self.name}"
            case "name":
                return self.name
            case "properties" | "listKeys":
                return _Unknown(f"{self.symbol}.{name}")
            case _:
                raise LookupError(f"{self.symbol}.{name}: resources have no such member")


@dataclass(frozen=True)
class _Unknown:
    """A value that only Azure knows."""

    path: str

    def __str__(self) -> str:
        return f"<{self.path}>"


def settled(value: Any) -> Any:
    """Return a value with unknown parts as texts in angle brackets."""
    match value:
        case _Unknown():
            return str(value)
        case dict():
            return {name: settled(item) for name, item in value.items()}
        case list():
            return [settled(item) for item in value]
        case _:
            return value


def evaluate(node: Node, names: Names, functions: Mapping[str, Callable[..., Any]]) -> Any:
    """Return the value; LookupError for a name, a function or an expression that is not known."""

    def value(of: Node, **more: Any) -> Any:
        inner = {**names, **{name: (lambda item=item: item) for name, item in more.items()}}
        return evaluate(of, inner, functions)

    match node.type:
        case "identifier":
            return names[text(node)]()
        case "call_expression":
            return _call(node, value, functions)
        case kind if kind in _KINDS:
            return _KINDS[kind](node, value)
        case kind:
            raise LookupError(f"line {node.start_point.row + 1}: {kind} is not known")


Value = Callable[..., Any]
"""Evaluates a node, with further names."""


def _part(node: Node, name: str) -> Node:
    found = node.child_by_field_name(name)
    assert found is not None
    return found


def _lambda(node: Node, value: Value) -> Callable[[Any], Any]:
    parameter, body = parts(node)
    return lambda item: value(body, **{text(parameter): item})


def _ternary(node: Node, value: Value) -> Any:
    return value(_part(node, "consequence" if value(_part(node, "condition")) else "alternative"))


def _not(node: Node, value: Value) -> bool:
    if not text(node).startswith("!"):
        raise LookupError(f"{text(node)} is not known")
    return not value(_part(node, "argument"))


def loop(node: Node, value: Value) -> list[Any]:
    """Return the values of a `for`, without those whose condition does not hold."""
    *head, source, body = parts(node)
    made = []
    for index, item in enumerate(value(source)):
        variables = {text(head[0]): item} if head[0].type == "identifier" else _pair(head[0], item, index)
        inner = body
        if body.type == "if_statement":
            condition, inner = parts(body)
            if not value(condition, **variables):
                continue
        made.append(value(inner, **variables))
    return made


def _pair(node: Node, item: Any, index: int) -> dict[str, Any]:
    first, second = parts(node)
    return {text(first): item, text(second): index}


def _piece(part: Node, value: Value) -> str:
    match part.type:
        case "interpolation":
            return str(value(parts(part)[0]))
        case "escape_sequence":
            return _ESCAPES.get(text(part), text(part)[1:])
        case _:
            return text(part)


def _object(node: Node, value: Value) -> dict[str, Any]:
    made = {}
    for pair in parts(node):
        key, item = parts(pair)
        made[text(key) if key.type == "identifier" else value(key)] = value(item)
    return made


def _binary(node: Node, value: Value) -> Any:
    left, right = _part(node, "left"), _part(node, "right")
    match text(node.children[1]):
        case "==":
            return value(left) == value(right)
        case "&&":
            return value(left) and value(right)
        case "||":
            return value(left) or value(right)
        case "??":
            return value(right) if (first := value(left)) is None else first
        case operator:
            raise LookupError(f"the operator {operator} is not known")


def _member(node: Node, value: Value) -> Any:
    name, of = text(_part(node, "property")), value(_part(node, "object"))
    match of:
        case Resource():
            return of.member(name)
        case _Unknown():
            return _Unknown(f"{of.path}.{name}")
        case _:
            return of.get(name) if text(node).endswith(f".?{name}") else of[name]


def _call(node: Node, value: Value, functions: Mapping[str, Callable[..., Any]]) -> Any:
    function, arguments = _part(node, "function"), _part(node, "arguments")
    if function.type == "member_expression":  # only resources have methods
        return _Unknown(f"{value(function).path}()")
    return functions[text(function)](*(value(argument) for argument in parts(arguments)))


_KINDS: Mapping[str, Callable[[Node, Value], Any]] = {
    "string": lambda node, value: "".join(_piece(part, value) for part in node.named_children),
    "number": lambda node, _: int(text(node)),
    "boolean": lambda node, _: text(node) == "true",
    "null": lambda _, __: None,
    "parenthesized_expression": lambda node, value: value(parts(node)[0]),
    "array": lambda node, value: [value(item) for item in parts(node)],
    "object": _object,
    "ternary_expression": _ternary,
    "unary_expression": _not,
    "binary_expression": _binary,
    "member_expression": _member,
    "subscript_expression": lambda node, value: value(_part(node, "object"))[value(_part(node, "index"))],
    "lambda_expression": _lambda,
    "for_statement": loop,
}
