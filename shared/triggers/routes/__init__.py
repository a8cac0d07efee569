"""The HTTP functions, one module for each group of routes."""
