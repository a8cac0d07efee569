"""Use cases of consent: audit ledger, bounces, permission defaults and renames."""
