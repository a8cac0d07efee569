"""Bindings of records to contacts, leases on contacts, and the deadline of a lease."""
