"""A functions host for one machine, without Azure Functions Core Tools."""
