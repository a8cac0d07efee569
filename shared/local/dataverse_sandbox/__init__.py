"""A simulated Dataverse organisation over real HTTP, with a service endpoint."""
