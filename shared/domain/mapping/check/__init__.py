"""Finds what would not work in a mapping, before it becomes live."""
