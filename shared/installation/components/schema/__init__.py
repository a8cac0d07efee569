"""Tables, columns, status reasons, relationships and keys."""
