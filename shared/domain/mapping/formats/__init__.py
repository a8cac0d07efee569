"""Reads and writes a mapping as YAML."""
