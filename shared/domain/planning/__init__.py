"""Plans one record and its contact."""
