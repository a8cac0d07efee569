"""The messages of the lanes, and how they are delivered again."""
