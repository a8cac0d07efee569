"""The error of this package."""

from __future__ import annotations


class HostError(Exception):
    """The function app, or a file of the host, cannot be served as it is. The text is safe to show and to log."""
