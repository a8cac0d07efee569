"""When timers run: settings, read before anything else is, for the host needs them to know the functions."""

from __future__ import annotations

import os

from shared.composition.settings import Settings
from shared.domain.values.texts import trimmed


def schedule(setting: str) -> str:
    """Return the NCRONTAB expression of a setting. The other settings are not looked at: they may be wrong still."""
    default: str = Settings.model_fields[setting].default
    return trimmed(os.environ.get(setting.upper(), "")) or default
