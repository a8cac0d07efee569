"""Values and their conversion between the two sides, type by type."""
