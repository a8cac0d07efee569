"""HTTP in front of the simulated Web API: tokens, batches, limits, faults, control."""
