"""Reads and writes definitions and rows of customisation over the Web API, one write at a time."""
