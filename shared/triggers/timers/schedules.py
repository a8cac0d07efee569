"""Schedules of the timers, read at import: the host needs them to index the functions."""

from __future__ import annotations

import os

from shared.composition.settings import Settings
from shared.domain.values.texts import trimmed


def schedule(setting: str) -> str:
    """Return the NCRONTAB expression of a setting. Other settings are not read: they may still be wrong."""
    default: str = Settings.model_fields[setting].default
    return trimmed(os.environ.get(setting.upper(), "")) or default
