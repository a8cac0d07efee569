"""The settings as a Markdown table, for the README: generated, so that it cannot go stale."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from shared.composition.settings import Settings


def settings_table() -> str:
    """Return one row per setting."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    rows += [
        f"| `{field.alias or name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(rows)


def _default(field: FieldInfo) -> str:
    match field.default:
        case SecretStr() | None | "":
            return ""
        case bool() as value:
            return f"`{str(value).lower()}`"
        case frozenset() | tuple() as values:
            return f"`{','.join(sorted(str(value) for value in values))}`" if values else ""
        case Enum() as value:
            return f"`{value.value}`"
        case Path() as value:
            return f"`{value.as_posix()}`"
        case value:
            return f"`{value}`"
