"""Reads Bicep files: declarations, and resources with placeholders for expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

INFRA = Path(__file__).parents[3] / "infra"
EXPRESSION = "[expression]"
"""Stands for a value that is known only at deployment, in the form that Microsoft's schemas accept."""

_DECLARATIONS = {
    "parameter_declaration",
    "variable_declaration",
    "resource_declaration",
    "module_declaration",
    "output_declaration",
}


@dataclass(frozen=True)
class Declaration:
    """One declaration: its kind, name, decorators, type of resource or path of module, and value."""

    kind: str
    name: str
    subject: str
    value: Any
    text: str
    is_secure: bool = False
    is_existing: bool = False
    has_default: bool = False


def files() -> list[Path]:
    return sorted(INFRA.rglob("*.bicep"))


def _root(text: bytes) -> Node:
    return Parser(Language(tree_sitter_bicep.language())).parse(text).root_node


def broken(text: bytes) -> list[str]:
    """Return line and text of each node that is no Bicep."""
    return [f"{node.start_point.row + 1}: {_text(node)[:60]}" for node in _walk(_root(text)) if _is_broken(node)]


@cache
def declarations(path: Path) -> tuple[Declaration, ...]:
    return tuple(_declarations(_root(path.read_bytes())))


def of_kind(path: Path, kind: str) -> dict[str, Declaration]:
    return {one.name: one for one in declarations(path) if one.kind == kind}


def variable(file: str, name: str) -> Any:
    return of_kind(INFRA / file, "variable")[name].value


def deployed_resources() -> list[tuple[str, Declaration]]:
    """Return the resources that the template makes, not the existing ones, with the name of their file."""
    return [
        (path.name, one)
        for path in files()
        for one in declarations(path)
        if one.kind == "resource" and not one.is_existing
    ]


def _is_broken(node: Node) -> bool:
    return node.type == "ERROR" or node.is_missing


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _declarations(root: Node) -> Iterator[Declaration]:
    decorators = ""
    for node in root.named_children:
        if node.type == "decorators":
            decorators += _text(node)
        elif node.type in _DECLARATIONS:
            children = [child for child in node.named_children if child.type != "comment"]
            kind = node.type.removesuffix("_declaration")
            has_subject = kind in {"resource", "module"}
            last = children[-1]
            has_value = len(children) > 1 and last.type != "type"
            yield Declaration(
                kind={"parameter": "parameter"}.get(kind, kind),
                name=_text(children[0]),
                subject=_string(children[1]) if has_subject else "",
                value=value(_body(last)) if has_value else None,
                text=_text(node),
                is_secure="@secure()" in decorators,
                is_existing=has_subject and any(_text(child) == "existing" for child in node.children),
                has_default=kind == "parameter" and has_value,
            )
            decorators = ""


def _body(node: Node) -> Node:
    """Return what a loop or a condition makes."""
    match node.type:
        case "for_statement":
            body = node.child_by_field_name("body") or node.named_children[-1]
            return _body(body)
        case "if_statement":
            return _body(node.named_children[-1])
        case _:
            return node


def _string(node: Node) -> str:
    """Return a text; one with interpolations is an expression."""
    parts = [child for child in node.named_children if child.type != "escape_sequence"]
    if any(part.type == "interpolation" for part in parts):
        return EXPRESSION
    return "".join(_text(part) for part in parts)


def value(node: Node) -> Any:  # noqa: PLR0911  # one for each kind of node
    """Return a literal, or a placeholder; of a choice between a literal object and something else, the object."""
    match node.type:
        case "object":
            return {
                _key(one): value(one.named_children[-1]) for one in node.named_children if one.type == "object_property"
            }
        case "array":
            return [value(one) for one in node.named_children if one.type != "comment"]
        case "string":
            return _string(node)
        case "number":
            return int(_text(node))
        case "boolean":
            return _text(node) == "true"
        case "null":
            return None
        case "for_statement":
            return [value(_body(node))]
        case "ternary_expression":
            return _choice(node)
        case _:
            return EXPRESSION


def _choice(node: Node) -> Any:
    branches = [value(child) for child in node.named_children[1:]]
    return next((one for one in branches if isinstance(one, dict | list) and one), EXPRESSION)


def _key(node: Node) -> str:
    first = node.named_children[0]
    return _string(first) if first.type == "string" else _text(first)
