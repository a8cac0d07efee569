"""Contacts and their properties, one by one and in bulk."""
