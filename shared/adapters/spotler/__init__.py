"""Everything that knows Spotler's wire."""
