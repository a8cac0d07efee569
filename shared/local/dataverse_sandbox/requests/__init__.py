"""One request: its address, options and body, and what it calls."""
