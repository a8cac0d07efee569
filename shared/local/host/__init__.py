"""A functions host for one machine: drives a Python v2 function app without Azure Functions Core Tools."""
