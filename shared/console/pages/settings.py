"""Settings: what is in force, and where it comes from. Secrets are set or not, never shown."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from shared.composition import app
from shared.composition.setting_groups.connection_settings import (
    DataverseSettings,
    LocalSettings,
    SpotlerSettings,
    StorageSettings,
    TelemetrySettings,
)
from shared.composition.setting_groups.engagement_settings import EngagementSettings
from shared.composition.setting_groups.sync_settings import (
    ConsentSettings,
    ListSettings,
    SynchronisationSettings,
    TimerSettings,
)
from shared.composition.settings import Settings
from shared.console.rendering.words import Said, said
from shared.console.web import Page, Reply, Visit

_VAULT = "@Microsoft.KeyVault"
_HIDDEN = frozenset({"spotler_key"})

_SOURCES: Mapping[str, Said] = {
    "default": said("default"),
    "environment": said("setting of the app"),
    "vault": said("Key Vault"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A setting: `value` is what may be shown of the value in force, `source` a key of `_SOURCES`."""

    variable: str
    value: str
    is_secret: bool
    source: str
    meaning: str


GROUPS: Mapping[type[BaseSettings], Said] = {
    SynchronisationSettings: said("Synchronisation"),
    ListSettings: said("Marketing lists"),
    DataverseSettings: said("Dataverse"),
    SpotlerSettings: said("Spotler"),
    StorageSettings: said("Queue, state store and keys"),
    TimerSettings: said("Schedules"),
    ConsentSettings: said("Consent, bounces and retention"),
    EngagementSettings: said("Mailings"),
    TelemetrySettings: said("HTTP and telemetry"),
    LocalSettings: said("On one machine"),
}


async def settings(visit: Visit) -> Reply:
    """List the settings in groups, with values in force, sources and meanings: all, or those that somebody gave."""
    found = (await app.services()).settings
    only_given = visit.asked("which") == "given"
    groups = []
    for kind, title in GROUPS.items():
        rows = [row for row in _rows(found, kind) if row.source != "default" or not only_given]
        if rows:
            groups.append((title, rows))
    values = {"title": said("Settings"), "groups": groups, "sources": _SOURCES, "only_given": only_given}
    return Page("pages/settings.html", values)


def _rows(found: Settings, kind: type[BaseSettings]) -> list[Row]:
    rows = []
    for name, field in kind.model_fields.items():
        variable = str(field.alias or name.upper())
        value = getattr(found, name)
        is_secret = isinstance(value, SecretStr) or name in _HIDDEN
        shown = _shown(value, is_secret=is_secret)
        rows.append(Row(variable, shown, is_secret, _source(variable), field.description or ""))
    return rows


def _shown(value: Any, *, is_secret: bool) -> str:
    match value:
        case SecretStr():
            return "set" if value.get_secret_value() else ""
        case _ if is_secret:
            return "set" if value else ""
        case frozenset() | tuple():
            return ", ".join(sorted(map(str, value)))
        case None:
            return ""
        case _:
            return str(value)


def _source(variable: str, environment: Mapping[str, str] = os.environ) -> str:
    text = environment.get(variable)
    if text is None:
        return "default"
    return "vault" if text.startswith(_VAULT) or environment.get(f"{variable}_KEYVAULT") else "environment"
