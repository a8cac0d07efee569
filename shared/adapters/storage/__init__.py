"""The state store in Azure Tables and in SQLite."""
