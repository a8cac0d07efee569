"""People: where everybody stands, and both sides of one person."""
