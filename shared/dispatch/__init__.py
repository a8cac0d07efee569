"""Dispatches messages of triggers to the use cases; walks over tables."""
