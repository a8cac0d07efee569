"""The calls of the simulated Spotler as a Markdown table, for docs/sandbox.md: generated, so it cannot go stale."""

from __future__ import annotations

from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel

from shared.local.spotler_sandbox.http.app import OPERATIONS
from shared.local.spotler_sandbox.http.operation import Body, Ignored


def calls_table() -> str:
    """Return one row per call: method, path, and the keys of its body."""
    rows = ["| call | keys of the body |", "|---|---|"]
    rows += [
        f"| `{operation}` | {'' if operation.body is None else _keys(operation.body)} |"
        for operation in sorted(OPERATIONS, key=lambda operation: (operation.path, operation.method))
    ]
    return "\n".join(rows)


def _keys(body: type[BaseModel]) -> str:
    if not issubclass(body, Body):
        return "the id of the path, or none"
    fields = [(field.alias or name, field.annotation) for name, field in body.model_fields.items()]
    read = [_key(name, kind) for name, kind in fields if kind not in {Ignored, NoneType}]
    ignored = [f"`{name}`" for name, kind in fields if kind is Ignored]
    return ", ".join(read) + (f"; without effect: {', '.join(ignored)}" if ignored else "")


def _key(name: str, annotation: Any) -> str:
    """Format a key, with the keys of its nested object or list of objects."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, Body):
            return f"`{name}` ({_keys(kind)})"
    return f"`{name}`"
