"""The composition root: settings, clients, and the wiring of the use cases."""
