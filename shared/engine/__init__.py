"""Synchronises one batch of records: lease, read, plan, apply, write back, commit."""
