"""The base of operations: parameters, form, documentation."""
