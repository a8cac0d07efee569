"""Settings: what is in force, and where it comes from. Secrets are set or not, never shown."""

import os
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from shared.composition import app
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


async def settings(visit: Visit) -> Reply:
    """List every setting with its value in force, its source and its meaning."""
    del visit
    found = (await app.services()).settings
    rows = []
    for name, field in Settings.model_fields.items():
        variable = str(field.alias or name.upper())
        value = getattr(found, name)
        is_secret = isinstance(value, SecretStr) or name in _HIDDEN
        rows.append(
            (variable, _shown(value, is_secret=is_secret), is_secret, _source(variable), field.description or "")
        )
    return Page("pages/settings.html", {"title": said("Settings"), "rows": rows, "sources": _SOURCES})


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
