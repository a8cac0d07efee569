"""A Spotler Mail+ REST API that remembers, checks and refuses as the real one does, as far as that is known."""

from shared.local.sandbox.spotler.app import create_app
from shared.local.sandbox.spotler.settings import SpotlerSandboxSettings

__all__ = ["SpotlerSandboxSettings", "create_app"]
