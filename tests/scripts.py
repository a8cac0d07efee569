"""Loads the scripts of `.ci`, which are no package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def script(name: str) -> ModuleType:
    folder = str(ROOT / ".ci")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)
