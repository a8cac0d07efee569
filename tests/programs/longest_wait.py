"""When a test gives up."""

from __future__ import annotations

LONGEST_WAIT = 120.0
"""Seconds: many times what anything takes on a busy machine. Only what fails waits so long."""
