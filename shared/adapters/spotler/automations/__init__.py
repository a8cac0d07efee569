"""Automations, tags, and calls whose wire format is not published."""
