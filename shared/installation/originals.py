"""Keeps the originals of forms before their first change: the undo for whoever wants one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FormFiles:
    """A folder with one file for each form that the installer changed."""

    folder: Path

    def keep(self, table: str, form: UUID, formxml: str) -> None:
        """Write the form's XML to `{table}-{form}.xml`, unless an earlier run has: that one is the original."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{table}-{form}.xml"
        if not path.exists():
            path.write_text(formxml, encoding="utf-8")
