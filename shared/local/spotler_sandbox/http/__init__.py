"""HTTP in front of the simulated API: OAuth, JSON and XML, faults, control."""
