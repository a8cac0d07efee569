"""A folder has one reason to exist, and few modules: a folder that grows beyond them is split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MOST = 12
"""Modules in one folder. `__init__.py` is not counted."""


def oversized(top: Path) -> dict[str, int]:
    """Return the folders with too many modules, from `top` downwards, and how many each has."""
    modules = (path for path in top.rglob("*.py") if path.name != "__init__.py")
    counts = Counter(path.parent.relative_to(top.parent).as_posix() for path in modules)
    return {folder: count for folder, count in counts.items() if count > MOST}


@pytest.mark.parametrize("top", ["shared", "tests"])
def test_no_folder_has_more_than_twelve_modules(top: str) -> None:
    assert oversized(ROOT / top) == {}, "split it into folders with one reason each to exist"


def test_a_folder_with_one_module_more_is_found_at_any_depth(tmp_path: Path) -> None:
    for folder, count in (("top", MOST), ("top/full", MOST), ("top/full/over", MOST + 1)):
        (tmp_path / folder).mkdir()
        for name in ("__init__", *(f"module_{number}" for number in range(count))):
            (tmp_path / folder / f"{name}.py").touch()
        (tmp_path / folder / "sample.json").touch()

    assert oversized(tmp_path / "top") == {"top/full/over": MOST + 1}
