"""Personal data in the state: export and erasure of one person, and retention."""
