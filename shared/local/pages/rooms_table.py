"""The packages of the product as a Markdown table, for `docs/architecture.md`."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_DEEPEST_LOCAL = 2
"""Levels below `shared/` that are shown of `shared/local/`: the insides of the simulators are left out."""


def rooms_table() -> str:
    """Return one row per package with the docstring of its `__init__.py`, upper layers first."""
    rows = ["| room | what is in it |", "|---|---|"]
    for room in _rooms():
        for path in sorted((_ROOT / "shared" / room).rglob("__init__.py")):
            parts = path.parent.relative_to(_ROOT).parts
            if room != "local" or len(parts) <= 1 + _DEEPEST_LOCAL:
                purpose = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
                rows.append(f"| `{'/'.join(parts)}/` | {purpose} |")
    return "\n".join(rows)


def _rooms() -> Iterator[str]:
    """Yield the rooms in the order of the layers that `make lint` checks."""
    contracts = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    for layer in next(one["layers"] for one in contracts if one["type"] == "layers"):
        yield from (room for room in layer.split(" | ") if (_ROOT / "shared" / room).is_dir())
