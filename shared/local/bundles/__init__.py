"""A configuration as a folder for git: mapping, settings without secrets, defaults; read, compared, applied."""
