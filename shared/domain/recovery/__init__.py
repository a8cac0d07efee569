"""Rules of retries, circuits and mass changes."""
