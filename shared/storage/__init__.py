"""State store: Azure Tables, and SQLite as the embedded default; one contract."""
