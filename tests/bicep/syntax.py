"""Parses Bicep with tree-sitter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import tree_sitter
import tree_sitter_bicep
from tree_sitter import Node

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))


def parse(source: bytes) -> Node:
    """Return the root of the syntax tree."""
    return _PARSER.parse(source).root_node


def parse_file(path: Path) -> Node:
    """Return the root of a file's syntax tree; ValueError with the line that cannot be parsed."""
    root = parse(path.read_bytes())
    for node in errors(root):
        raise ValueError(f"{path.name}, line {node.start_point.row + 1}: {text(node)[:80]!r} is no Bicep")
    return root


def errors(node: Node) -> Iterator[Node]:
    """Yield the nodes that could not be parsed, or that are missing."""
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children:
        yield from errors(child)


def text(node: Node) -> str:
    return (node.text or b"").decode()


def parts(node: Node) -> list[Node]:
    """Return the named children without comments."""
    return [child for child in node.named_children if child.type != "comment"]
