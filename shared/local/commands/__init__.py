"""The command line: run, check, mapping, consent, person, keys; the demonstration of `make run`."""
