"""The settings in groups, and how the texts of the environment are read."""
