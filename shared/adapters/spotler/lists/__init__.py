"""Audiences and temporary lists."""
