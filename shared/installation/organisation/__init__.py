"""Reads the organisation before anything is planned: caller, languages, tables."""
