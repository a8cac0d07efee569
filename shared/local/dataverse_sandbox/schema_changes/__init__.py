"""Changes of tables, columns, relationships, keys and choices by requests."""
