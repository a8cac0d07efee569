"""Pure rules: no I/O, no clock, nothing of the connector from outside this package."""
