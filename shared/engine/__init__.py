"""Synchronises one batch of records: claim, read, plan, apply, write back, commit."""
