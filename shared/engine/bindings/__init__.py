"""Bindings of records to contacts, claims on contacts, and the deadline of a claim."""
