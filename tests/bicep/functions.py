"""The functions of Bicep that `infra/` uses; what only Azure knows is a text in angle brackets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from shared.installation.yaml_files import read_yaml

SUBSCRIPTION = "00000000-0000-0000-0000-00000000aaaa"
TENANT = "00000000-0000-0000-0000-00000000bbbb"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/connector"


def union(*values: Mapping[str, Any]) -> dict[str, Any]:
    """Merge objects deeply; the last one wins."""
    merged: dict[str, Any] = {}
    for value in values:
        for name, item in value.items():
            both = isinstance(item, dict) and isinstance(merged.get(name), dict)
            merged[name] = union(merged[name], item) if both else item
    return merged


def unique_string(*texts: str) -> str:
    """Return 13 characters of lower-case letters and digits, as Azure does, though others."""
    return "u" + hashlib.sha256("|".join(texts).encode()).hexdigest()[:12]


def environment() -> dict[str, Any]:
    return {
        "suffixes": {"storage": "core.windows.net"},
        "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
    }


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "empty": lambda value: not value,
    "environment": environment,
    "guid": lambda *texts: str(uuid5(NAMESPACE_URL, "|".join(texts))),
    "items": lambda value: [{"key": name, "value": value[name]} for name in sorted(value)],
    "join": lambda values, delimiter: delimiter.join(values),
    "map": lambda values, function: [function(value) for value in values],
    "replace": lambda value, old, new: value.replace(old, new),
    "resourceGroup": lambda: {"id": GROUP, "name": "connector", "location": "westeurope"},
    "subscription": lambda: {"id": f"/subscriptions/{SUBSCRIPTION}", "tenantId": TENANT},
    "subscriptionResourceId": lambda kind, name: f"/subscriptions/{SUBSCRIPTION}/providers/{kind}/{name}",
    "toLower": str.lower,
    "union": union,
    "uniqueString": unique_string,
}


def of_files(folder: Path) -> Mapping[str, Callable[..., Any]]:
    """Return the functions that read files next to the template."""
    return {
        "loadTextContent": lambda name: (folder / name).read_text(encoding="utf-8"),
        "loadYamlContent": lambda name: read_yaml(folder / name),
    }
