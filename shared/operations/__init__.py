"""One module per Spotler Job operation."""
