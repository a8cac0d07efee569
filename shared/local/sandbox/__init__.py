"""Serves both simulators in one process, filled with people."""
