"""Measures what the work itself does not report: queues and services, the round trip of a marked record."""
