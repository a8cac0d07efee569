"""A new instance finds the functions without what they call: a quarter of a core has a second for it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from shared.triggers.http.access import ROUTES

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {
    *("aiohttp", "azure.data", "azure.identity", "azure.servicebus", "cryptography", "httpx", "jinja2", "openpyxl"),
    *("opentelemetry", "pydantic", "pydantic_settings", "yaml"),
}
ROOMS = {
    *("console", "dispatch", "engagement", "inbound", "operations", "administration", "privacy", "lists", "consent"),
    *("engine", "messages", "telemetry", "local", "installation", "deployment", "triggers.routes"),
}
CODE = "import sys, function_app; function_app.app.get_functions(); print(*sys.modules)"


def test_the_functions_are_found_without_heavy_libraries_and_without_use_cases() -> None:
    ran = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)

    loaded = set(ran.stdout.split())
    assert "function_app" in loaded
    assert not loaded & (HEAVY | {f"shared.{room}" for room in ROOMS} | {"shared.composition.settings"})


@pytest.mark.parametrize("name", ROUTES)
def test_the_module_of_a_route_has_its_function(name: str) -> None:
    function = getattr(import_module(f"shared.triggers.routes.{ROUTES[name].module}"), name)

    assert inspect.iscoroutinefunction(function)
    assert list(inspect.signature(function).parameters) == ["req"]
