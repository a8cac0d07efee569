"""What the connector stores of one person, how it is exported and forgotten, and retention."""
