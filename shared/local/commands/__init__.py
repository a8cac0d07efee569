"""The command line: run, check, mapping, consent, person, keys; the story of `make run`."""
