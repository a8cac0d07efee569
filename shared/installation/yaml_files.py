"""Reads the YAML files that come with the product."""

from pathlib import Path
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The scanner of libyaml is ten times faster than the one in Python; both read the same."""


def read_yaml(path: Path) -> Any:
    """Read a file as plain data. OSError if it cannot be read, yaml.YAMLError with the position of what is no YAML."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  # both are safe loaders
