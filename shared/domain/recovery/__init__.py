"""Rules of retries, circuits and mass changes, and of who may be written while the connector is tried out."""
