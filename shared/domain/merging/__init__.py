"""Merges both sides of a record field by field against the base of the last agreement."""
