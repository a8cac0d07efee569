"""Job operations that start, stop and refresh automations."""
