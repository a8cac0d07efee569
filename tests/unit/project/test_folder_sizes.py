"""A folder and a module have one reason to exist: a folder of many modules and a module of many lines are split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MOST = 12
"""Modules in one folder. `__init__.py` is not counted."""
LONGEST = 350
"""Lines in one module."""


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


def overlong(top: Path) -> dict[str, int]:
    """Return the modules with too many lines, from `top` downwards, and how many each has."""
    lines = {
        path.relative_to(top.parent).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in top.rglob("*.py")
    }
    return {module: count for module, count in lines.items() if count > LONGEST}


@pytest.mark.parametrize("top", ["shared", "tests"])
def test_no_module_has_more_than_350_lines(top: str) -> None:
    assert overlong(ROOT / top) == {}, "split it into modules with one reason each to exist"


def test_a_module_with_one_line_more_is_found_at_any_depth(tmp_path: Path) -> None:
    (folder := tmp_path / "top" / "under").mkdir(parents=True)
    for name, count in (("full", LONGEST), ("over", LONGEST + 1)):
        (folder / f"{name}.py").write_text("\n" * count)

    assert overlong(tmp_path / "top") == {"top/under/over.py": LONGEST + 1}
