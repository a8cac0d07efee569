"""Turns values into HTML: templates, catalogues of words, numbers and times, plots."""
