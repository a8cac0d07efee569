"""Fingerprint keys: where they are kept, changed, and applied."""
