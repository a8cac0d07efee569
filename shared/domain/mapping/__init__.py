"""The mapping: its model, conversions, findings, and the default mapping."""
