"""Tables, columns, status reasons and lookups."""
