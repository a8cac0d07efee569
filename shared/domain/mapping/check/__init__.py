"""Checks a mapping before it becomes live."""
