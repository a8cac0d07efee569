"""Publisher, solution, and the standard tables in it."""
