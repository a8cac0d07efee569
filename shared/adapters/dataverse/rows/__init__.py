"""The other tables, one module each."""
