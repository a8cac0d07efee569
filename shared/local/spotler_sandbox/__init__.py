"""A simulated Spotler Mail+ REST API, as far as the real one is known."""

from shared.local.spotler_sandbox.http.app import create_app
from shared.local.spotler_sandbox.http.settings import SpotlerSandboxSettings

__all__ = ["SpotlerSandboxSettings", "create_app"]
