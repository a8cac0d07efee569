"""The adapters of Spotler."""
