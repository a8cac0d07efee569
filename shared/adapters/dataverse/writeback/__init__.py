"""Writes to person records: fields, subscriptions, new records."""
