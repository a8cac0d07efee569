"""Job operations on one contact."""
