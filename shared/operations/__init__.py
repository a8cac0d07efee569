"""The operations of Spotler Jobs, and their runner."""
