"""Values and their conversion to the platform's form, type by type."""
