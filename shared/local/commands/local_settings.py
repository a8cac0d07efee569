"""The folder of the project, and the settings that its local.settings.json holds."""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping
from pathlib import Path

from shared.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]


def read_local_settings(
    path: Path = ROOT / "local.settings.json", environment: MutableMapping[str, str] = os.environ
) -> None:
    """Set environment variables from local.settings.json, as the Functions host does; variables that are set stay."""
    if not path.exists():
        return
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))["Values"]
        for name, value in values.items():
            environment.setdefault(name, "" if value is None else str(value))
    except (ValueError, KeyError, AttributeError) as problem:
        raise ConfigurationError(f"{path.name} is no settings file: {problem!r}") from None
